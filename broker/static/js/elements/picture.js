// <crowd-image-classifier> and <crowd-image-classifier-multi-select>: labels for an image, and a verdict on what others drew on it.

import { Classifier, MultiClassifier } from "./classifier.js";
import { Overlay } from "./overlay.js";
import { fresh, node } from "./parts.js";

/** Gives a classifier its image, what is drawn over it, and a comment where the template asks for one. */
const pictured = (Base) => class extends Base {
  #comment = null;

  draw() {
    const image = node("img", { src: this.getAttribute("src") ?? "", alt: "The image to label" });
    const over = this.read("overlay", null);
    const target = node("classification-target", {}, image);
    if (over) {
      const overlay = new Overlay(image, over);
      target.append(overlay.legend);
      image.addEventListener("load", () => overlay.draw());
    }
    this.prepend(target);
    super.draw();
    this.#ask();
  }

  #ask() {
    const asked = this.querySelector("worker-comment");
    if (!asked) return;
    const id = fresh("comment");
    this.#comment = node("textarea", { id, class: "input", dir: "auto", rows: 3, placeholder: asked.getAttribute("placeholder") ?? "", oninput: () => this.changed() });
    asked.remove();
    this.querySelector(".crowd-answer").append(node("details", { class: "details" },
      node("summary", {}, asked.getAttribute("link-text") || "Add a comment"),
      node("div", { class: "field" }, node("label", { htmlFor: id }, asked.getAttribute("header") || "Add a comment"),
        node("div", { class: "hint" }, ...asked.childNodes), this.#comment)));
  }

  get answer() {
    const text = this.#comment?.value.trim();
    return text ? { ...super.answer, workerComment: text } : super.answer;
  }

  set answer(given) {
    super.answer = given;
    if (this.#comment) this.#comment.value = given?.workerComment ?? "";
  }
};

export const tags = { "crowd-image-classifier": pictured(Classifier), "crowd-image-classifier-multi-select": pictured(MultiClassifier) };
