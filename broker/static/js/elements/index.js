// Defines every crowd element of ours; pages and templates import this one file.

import { Button } from "./button.js";
import { Classifier, MultiClassifier } from "./classifier.js";
import { Form } from "./form.js";
import { FullInstructions, ShortInstructions } from "./instructions.js";
import { Target } from "./target.js";

const ELEMENTS = {
  "classification-target": Target,
  "short-instructions": ShortInstructions,
  "full-instructions": FullInstructions,
  "crowd-button": Button,
  "crowd-classifier": Classifier,
  "crowd-classifier-multi-select": MultiClassifier,
  "crowd-form": Form,
};

for (const [name, element] of Object.entries(ELEMENTS)) if (!customElements.get(name)) customElements.define(name, element);
// Ground Truth's templates wait for this before they touch an element.
document.dispatchEvent(new CustomEvent("all-crowd-elements-ready"));
