"""An item with the answer that was found for it, as formats of files take it."""

from dataclasses import dataclass, field

from broker.annotation.kind import Json


@dataclass(frozen=True)
class Labelled:
    """One item of a finished job.

    `name` is unique in the job: of the image or file if it has one, else of the row. `answer` is the consensus in the
    JSON of `Kind.dump`, None where there is none: only tables get such items. `size` is the width and height of an
    image, where it is known. `text` is the text that was labelled. `split` is train, validation, test or empty. `line`
    is the item's line in a table: the requester's own columns beside ours. `facts` is what `Kind.facts` says.
    """

    row: int
    name: str
    payload: Json
    answer: Json | None
    confidence: float | None
    size: tuple[int, int] | None = None
    text: str = ""
    split: str = ""
    line: Json = field(default_factory=dict)
    facts: Json = field(default_factory=dict)
