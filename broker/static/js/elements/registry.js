// Which module has an element, and which style sheets beside crowd.css that module needs.

const MODULES = {
  target: ["classification-target"],
  instructions: ["short-instructions", "full-instructions", "crowd-instructions", "crowd-modal"],
  classifier: ["crowd-classifier", "crowd-classifier-multi-select"],
  picture: ["crowd-image-classifier", "crowd-image-classifier-multi-select"],
  drawing: ["crowd-bounding-box", "crowd-keypoint", "crowd-polygon", "crowd-polyline", "crowd-line"],
  segmentation: ["crowd-semantic-segmentation", "crowd-instance-segmentation"],
  entities: ["crowd-entity-annotation"],
  tagging: ["broker-token-tagging"],
  relations: ["broker-relations"],
  coreference: ["broker-coreference"],
  transcription: ["broker-transcription"],
  events: ["broker-video-events"],
  judging: ["broker-pairwise", "broker-rating"],
  ranking: ["broker-ranking"],
  asking: ["broker-fields"],
  input: ["crowd-input", "crowd-text-area"],
  check: ["crowd-checkbox", "crowd-toggle-button", "crowd-radio-button", "crowd-radio-group"],
  slider: ["crowd-slider"],
  page: ["broker-page"],
  frames: ["crowd-card", "crowd-alert", "crowd-badge", "crowd-tabs"],
};
export const SHEETS = {
  input: ["fields"], check: ["fields"], slider: ["fields"], asking: ["fields"], frames: ["fields"], instructions: ["fields"],
  drawing: ["board", "image"], segmentation: ["board", "image"], entities: ["board", "text"], tagging: ["board", "text"], relations: ["board", "text"], coreference: ["board", "text"],
  transcription: ["board", "media"], events: ["board", "media"], judging: ["media"], ranking: ["board", "media"],
};

/** The module of each element, by its tag. */
export const HOME = Object.fromEntries(Object.entries(MODULES).flatMap(([module, tags]) => tags.map((tag) => [tag, module])));
