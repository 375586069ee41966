// <broker-coreference>: mentions in a text, gathered into clusters of those that mean the same thing.

import { Marks } from "./marks.js";
import { entry } from "./palette.js";

const NAMED = 28; // signs of a mention by which its cluster is named

class Coreference extends Marks {
  labels() { return []; }

  get heading() { return "Cluster"; }

  parse(given) {
    const clusters = Array.isArray(given) ? given : given?.clusters ?? this.read("mentions", []).map((mention) => [mention]);
    const spans = clusters.flatMap((cluster, at) => cluster.map(({ startOffset, endOffset }) => this.span({ start: startOffset, end: endOffset }, String(at + 1))));
    return { spans };
  }

  dump() {
    const clusters = Map.groupBy(this.spans, ({ label }) => label);
    return { clusters: [...clusters.values()].map((cluster) => cluster.map(({ start, end }) => ({ startOffset: start, endOffset: end }))) };
  }

  /** The clusters that have mentions, named by the first of them, and one more for what is new. */
  redraw() {
    const used = Map.groupBy(this.spans, ({ label }) => label);
    const numbers = [...used.keys()].map(Number).toSorted((a, b) => a - b);
    const free = String((numbers.at(-1) ?? 0) + 1);
    const named = numbers.map((number) => {
      const first = [...this.words(used.get(String(number))[0])];
      const name = first.length > NAMED ? `${first.slice(0, NAMED).join("")}…` : first.join("");
      return { ...entry(String(number)), full: `${number} · ${name}` };
    });
    this.palette.fill([...named, { ...entry(free), full: `${free} · new` }]);
    super.redraw();
  }

  /** What is new starts with the next mention, unless the worker goes on in a cluster. */
  picked(label) {
    super.picked(label);
    this.palette.value = label;
  }
}

export const tags = { "broker-coreference": Coreference };
