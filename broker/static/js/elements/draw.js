// Colours that stand for labels, and the SVG that shapes are drawn with.

const SPACE = "http://www.w3.org/2000/svg";
const COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22", "#17becf", "#7f7f7f"];
const HEX = /^#[\da-f]{6}$/iu;

/** A colour in hexadecimal for each label: the template's own where it is one, else ours, from the eleventh on by the golden angle. */
export function colours(labels, own = []) {
  return labels.map((_, index) => (HEX.test(own[index]) ? own[index].toLowerCase() : COLOURS[index] ?? spun(index)));
}

/** The colour of a hue that lies far from the ones before it. */
function spun(index) {
  const hue = (index * 137.508) % 360;
  const part = (shift) => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.5 - 0.35 * Math.max(-1, Math.min(k - 3, 9 - k, 1)))).toString(16).padStart(2, "0");
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

export const rgb = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Black or white, whichever is read better on a colour (WCAG 2.2, relative luminance); at least 4.5:1 for any colour. */
export function on(colour) {
  const [red, green, blue] = rgb(colour).map((part) => (part / 255 <= 0.040_45 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const TEXT = 12; // pixels on screen
const LONGEST = 24; // signs of a label that are drawn beside its shape

/** A label's name on its colour, above a point; `scale` is screen pixels per image pixel. */
export function tag(label, { x, y }, colour, scale, data = {}) {
  const size = TEXT / scale;
  const name = [...String(label)].slice(0, LONGEST).join("");
  const width = [...name].reduce((sum, sign) => sum + (sign > "⺀" ? 1 : 0.6), 1) * size;
  const top = Math.max(0, y - size * 1.5);
  const text = svg("text", { x: x + size / 2, y: top + size * 1.1, "font-size": size, fill: on(colour), direction: "ltr" });
  text.textContent = name;
  return svg("g", { class: "crowd-tag", ...data }, svg("rect", { x, y: top, width, height: size * 1.5, fill: colour }), text);
}
