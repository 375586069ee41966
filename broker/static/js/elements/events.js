// <broker-video-events>: what happens in a film, and from when to when.

import { Palette } from "./palette.js";
import { node } from "./parts.js";
import { Timed } from "./timed.js";

class VideoEvents extends Timed {
  medium = "video";
  marks = true;
  heading = "Mark what happens";
  help = [["M, Ctrl M", "mark a start, then an end, with the label; or drag over the strip"], ["1 to 9, 0", "choose the label"], ["Space", "on the strip: play and pause; Ctrl Space everywhere"],
    ["Arrows", "on the strip: move by a second, with Shift by a tenth"], ["Ctrl J", "two seconds back"], ["Ctrl Z, Ctrl Y", "undo and redo"]];

  draw() {
    this.palette = new Palette(this.read("labels", []), { own: this.read("label-colors", []), pick: () => this.hush() });
    super.draw();
    Object.assign(this.media, { className: "crowd-film", playsInline: true, poster: this.getAttribute("poster") ?? "" });
    this.media.setAttribute("aria-label", "The film");
    this.media.addEventListener("click", () => this.timeline.toggle());
  }

  colour({ label }) { return this.palette.colour(label); }

  stretch(start, end) { return { label: this.palette.value, start, end }; }

  row(event, at) {
    const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
    chip.style.backgroundColor = this.colour(event);
    const label = node("select", { class: "input crowd-relabel", "aria-label": `Label of ${at + 1}`, onchange: () => { event.label = label.value; this.settle(); } },
      ...this.palette.all().map((one) => node("option", { value: one, selected: one === event.label }, this.palette.find(one).full)));
    return [node("div", { class: "crowd-stretch-head" }, chip, label, this.bound(event, "start", `Start of ${at + 1} in seconds`), this.bound(event, "end", `End of ${at + 1} in seconds`), ...this.acts(event, at))];
  }

  parse(given) { return (Array.isArray(given) ? given : given?.events ?? []).map(({ label, start, end }) => ({ label: String(label), start, end })); }

  dump() { return { events: this.stretches.map((one) => ({ ...one })) }; }

  check(now) {
    if (!super.check(now)) return false;
    return this.stretches.length ? true : this.confirm("Nothing is marked. Submit again if nothing of this happens.", now);
  }
}

export const tags = { "broker-video-events": VideoEvents };
