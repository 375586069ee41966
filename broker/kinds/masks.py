"""The room of masks: a label for each pixel, or each object's pixels on their own."""

import base64
import functools
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from PIL import Image, ImageChops

from broker.annotation import pixels, reading, runs
from broker.annotation.drawn import LARGEST, Drawing, Size, content, entries, size_in, weights, whole
from broker.annotation.kind import TABLES, Json, Offer, Verdict, Vote
from broker.annotation.marked import ALMOST, Mark, Marked, Marks
from broker.errors import Invalid

Cut = tuple[int, int, str]
"""Height and width of the image, and COCO's compressed run lengths."""
MOST_PIXELS = 50_000_000
MOST_MASKS = 1000
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Settings(Drawing):
    """What a requester sets: one mask a label (semantic), or one an object (instance)."""

    sort: Literal["semantic", "instance"]


class Masks(Marked[Cut]):
    """Which pixels belong to each object? A place is the mask of one.

    JSON: {"annotatedResult": {"inputImageProperties", "masks": [{"area", "counts", "label", "size": [height, width]}]}}
    with COCO's compressed run lengths as counts; read as well is the PNG of Ground Truth: {"labeledImage":
    {"pngImageData": base64}} with "instances": [{"color", "label"}], or "labelMappings": {label: {"color"}}.
    """

    name: ClassVar[str] = "masks"
    title: ClassVar[str] = "Paint masks"
    key: ClassVar[str] = "masks"
    exports: ClassVar[tuple[str, ...]] = (*TABLES, "coco", "yolo", "masks")
    offers: ClassVar[tuple[Offer, ...]] = (
        Offer("masks", "A label for each pixel", "Roads, sky, tissue.", {"media": "image", "sort": "semantic"}),
        Offer("instances", "The pixels of each thing", "Cells, cars.", {"media": "image", "sort": "instance"}),
    )
    settings: Settings

    @classmethod
    def furnish(cls, settings: Json) -> "Masks":
        """The room with a requester's settings. Raises Invalid, naming the field."""
        asked = reading.model(Settings, settings)
        return Semantic(asked) if asked.sort == "semantic" else Masks(asked)

    def parse(self, raw: Any, item: Json) -> Marks[Cut]:  # noqa: ARG002 - the answer says the size of its image
        """A worker's masks; empty ones are left out. Raises Invalid."""
        given = content(raw)
        size = size_in(given)
        if self.key in given or "labeledImage" not in given:
            cuts = [self._entry(one, at, size) for at, one in enumerate(entries(given, self.key, MOST_MASKS))]
        else:
            size, cuts = self._painted(given, size)
        marks = [mark for mark in cuts if _stretches(mark.place)]
        if len({mark.place[:2] for mark in marks}) > 1:
            raise Invalid("masks: their sizes differ")
        self.counted(len(set(marks)))
        self.check(marks)
        return self.tidy(marks, size or (marks[0].place[1], marks[0].place[0]) if marks else size)

    def check(self, marks: Sequence[Mark[Cut]]) -> None:
        """Raises Invalid for masks that cannot stand together."""

    def aggregate(self, votes: Sequence[Vote[Marks[Cut]]]) -> Verdict[Marks[Cut]]:
        """The objects that votes mean, each the pixels on which its masks agree; two may share pixels at their edges.

        Masks of another size than most have, which only a broken page can have made, do not count.
        """
        sides = [mark.place[:2] for vote in votes for mark in vote.answer.marks]
        usual = max(sides, key=sides.count, default=None)
        return super().aggregate([replace(vote, answer=_of_size(vote.answer, usual)) for vote in votes])

    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> Cut:
        """The mask in the one way its run lengths can be written. Raises Invalid."""
        given = raw.get("size")
        if not isinstance(given, list) or len(given) != 2:
            raise Invalid(f"{name}.size: expected the image's height and width")
        height, width = (whole(side, f"{name}.size") for side in given)
        if not (0 < height <= LARGEST and 0 < width <= LARGEST and height * width <= MOST_PIXELS):
            raise Invalid(f"{name}.size: {width} x {height} is no size of an image, or too large")
        if size not in (None, (width, height)):
            raise Invalid(f"{name}.size: {width} x {height} is not the image's")
        counts = reading.text(raw.get("counts"), f"{name}.counts", longest=2_000_000)
        try:
            return _cut(runs.unpack(counts, height * width), (width, height))
        except Invalid as error:
            raise Invalid(f"{name}.{error.message}") from None

    def written(self, mark: Mark[Cut]) -> dict[str, Any]:
        """The JSON of one mask."""
        height, width, counts = mark.place
        return {
            "area": runs.area(_stretches(mark.place)),
            "counts": counts,
            "label": mark.label,
            "size": [height, width],
        }

    def alike(self, one: Cut, other: Cut, size: Size) -> float:  # noqa: ARG002 - a mask knows its size
        """Intersection over union; nothing for masks of unlike images."""
        return runs.likeness(_stretches(one), _stretches(other)) if one[:2] == other[:2] else 0.0

    def merged(self, places: Sequence[Cut], weights: Sequence[float], size: Size) -> Cut:  # noqa: ARG002
        """The pixels that the masks mean together."""
        height, width, _ = places[0]
        return _cut(pixels.agreed([_stretches(place) for place in places], weights, (width, height)), (width, height))

    def corner(self, place: Cut) -> tuple[int, int]:
        """The image's width and height."""
        return place[1], place[0]

    def _entry(self, raw: Any, at: int, size: Size | None) -> Mark[Cut]:
        name = f"{self.key}[{at}]"
        given = reading.record(raw, name)
        return Mark(self.label(given.get("label"), f"{name}.label"), self.place(given, name, size))

    def _painted(self, given: Mapping[str, Any], size: Size | None) -> tuple[Size, list[Mark[Cut]]]:
        """The masks of a PNG with one colour for each."""
        image = _image(reading.record(given["labeledImage"], "labeledImage").get("pngImageData"))
        if size not in (None, image.size):
            raise Invalid(f"labeledImage: {image.width} x {image.height} is not the image's size")
        cuts = {
            colour: _cut(_painted_in(image, colour), image.size) for colour in {one for one, _ in self.colours(given)}
        }
        return image.size, [Mark(label, cuts[colour]) for colour, label in self.colours(given)]

    def colours(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The colours of the PNG and their labels. Raises Invalid."""
        rows = [reading.record(one, "instances") for one in entries(given, "instances", MOST_MASKS)]
        return [(_colour(row.get("color"), "instances"), self.label(row.get("label"), "instances")) for row in rows]


class Semantic(Masks):
    """Which label does each pixel have? One mask for each label that occurs; two labels share no pixel."""

    def check(self, marks: Sequence[Mark[Cut]]) -> None:
        """Raises Invalid for two masks of one label, or a pixel with two labels."""
        if len({mark.label for mark in marks}) < len(marks):
            raise Invalid("masks: each label has one mask")
        if any(who & (who - 1) for _, _, who in runs.overlay([_stretches(mark.place) for mark in marks])):
            raise Invalid("masks: a pixel has two labels")

    def colours(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The colours of the PNG and their labels. Raises Invalid."""
        rows = reading.record(given.get("labelMappings"), "labelMappings").items()
        named = [(self.label(label, "labelMappings"), reading.record(row, "labelMappings")) for label, row in rows]
        return [(_colour(row.get("color"), "labelMappings"), label) for label, row in named]

    def brief(self, answer: Marks[Cut]) -> str:
        """How much of the image each label has: "43 % road, 20 % sky"."""
        shares = [
            (mark.label, runs.area(_stretches(mark.place)) / (mark.place[0] * mark.place[1])) for mark in answer.marks
        ]
        return ", ".join(f"{share:.0%} {label}".replace("%", " %") for label, share in shares) or "nothing"

    def likeness(self, one: Marks[Cut], other: Marks[Cut]) -> float:
        """The mean, over the labels that occur, of the IoU of their masks."""
        if one == other:
            return 1.0
        mine, theirs = ({mark.label: mark.place for mark in answer.marks} for answer in (one, other))
        labels = [label for label in self.names if label in mine or label in theirs]
        found = [
            self.alike(mine[label], theirs[label], (1, 1)) if label in mine and label in theirs else 0.0
            for label in labels
        ]
        return min(sum(found) / len(found), ALMOST)

    def aggregate(self, votes: Sequence[Vote[Marks[Cut]]]) -> Verdict[Marks[Cut]]:
        """The votes on each label, and where two labels claim a pixel the one for which more weight stands there."""
        heavy, answers = weights(votes), [vote.answer for vote in votes]
        sides = [mark.place[:2] for answer in answers for mark in answer.marks]
        if not sides:
            return Verdict(answers[0], 1.0)
        height, width = max(sides, key=sides.count)
        answers = [_of_size(answer, (height, width)) for answer in answers]
        says = [
            [(_labelled(answer, name), weight) for answer, weight in zip(answers, heavy, strict=True)]
            for name in self.names
        ]
        masks = [pixels.agreed([mask for mask, _ in votes_on], heavy, (width, height)) for votes_on in says]
        claims = [[(mask, weight) for mask, weight in votes_on if mask] for votes_on in says]
        marks = [
            Mark(name, _cut(mask, (width, height)))
            for name, mask in zip(self.names, pixels.apart(masks, claims), strict=True)
            if mask
        ]
        answer = self.tidy(marks, (width, height))
        return Verdict(answer, self._liked(answer, answers, heavy))


def _of_size(answer: Marks[Cut], sides: tuple[int, int] | None) -> Marks[Cut]:
    """The answer without masks of another height and width."""
    marks = tuple(mark for mark in answer.marks if mark.place[:2] == sides)
    return Marks(marks, (sides[1], sides[0])) if sides else answer


def _labelled(answer: Marks[Cut], name: str) -> runs.Stretches:
    return next((_stretches(mark.place) for mark in answer.marks if mark.label == name), ())


def _cut(mask: runs.Stretches, size: Size) -> Cut:
    return size[1], size[0], runs.pack(mask, size[0] * size[1])


def _stretches(cut: Cut) -> runs.Stretches:
    return runs.unpack(cut[2], cut[0] * cut[1])


def _image(raw: Any) -> Image.Image:
    """The PNG written in base64. Raises Invalid."""
    text = reading.text(raw, "labeledImage.pngImageData", longest=50_000_000)
    # A decoder of hostile bytes raises whatever the bytes make of it.
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",))
    except Exception as error:
        raise Invalid("labeledImage.pngImageData: not a PNG in base64") from error
    if image.width * image.height > MOST_PIXELS:
        raise Invalid(f"labeledImage: more than {MOST_PIXELS:,} pixels")
    try:
        return image.convert("RGBA")
    except Exception as error:
        raise Invalid("labeledImage.pngImageData: the PNG is damaged") from error


def _painted_in(image: Image.Image, colour: str) -> runs.Stretches:
    """The pixels of an RGBA image that have a colour and are not transparent."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    *bands, alpha = image.split()
    here = [
        band.point([255 * (level == value) for level in range(256)]) for band, value in zip(bands, wanted, strict=True)
    ]
    mask = functools.reduce(ImageChops.darker, here, alpha.point([255 * (level > 0) for level in range(256)]))
    return runs.of_columns(mask.transpose(Image.Transpose.TRANSPOSE).tobytes())


def _colour(raw: Any, name: str) -> str:
    colour = reading.text(raw, f"{name}.color", longest=20)
    if not COLOUR.fullmatch(colour):
        raise Invalid(f"{name}.color: {colour!r} is no colour like #2ca02c")
    return colour.lower()
