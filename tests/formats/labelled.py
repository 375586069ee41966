"""Labelled images for the tests of the formats that hold them."""

from broker.annotation.labelled import Labelled
from broker.kinds.registry import furnish
from tests.kinds import samples_shapes
from tests.kinds.samples_shapes import ITEM, answered, box, mask, path, point, settings

LABELS = ["car", "ünï: 🚲"]
FRAME = {"height": 48, "width": 64}


def item(row, answer, **more):
    """A finished item; its answer has been through the room's own parse and dump."""
    return Labelled(row, more.pop("name", f"{row}.jpg"), ITEM, answer, 0.9, **more)


def boxes(*marks, frame=FRAME):
    return answered("boundingBoxes", list(marks), frame)[0]


def through(kind, raw, **more):
    """The answer as the room keeps it."""
    room = furnish(kind, settings(*LABELS, **more))
    return room.dump(room.parse(raw, ITEM))


BOXES = [
    item(1, through("boxes", boxes(box("car", 3, 4, 20, 10), box("ünï: 🚲", 0, 0, 64, 48))), split="train"),
    item(2, through("boxes", boxes()), split="validation", name="deep/er.png"),
    item(3, through("boxes", boxes(box("car", 60, 40, 4, 8))), split="train"),
]
OUTLINE = path("car", (2, 3), (20, 3), (20, 20), (8, 30))
POLYGONS = [item(1, through("polygons", answered("polygons", [OUTLINE])[0], shape="polygon"))]
PARTED = mask("car", (2, 2, 12, 12), (30, 20, 44, 40))
MASKS = [
    item(1, through("masks", answered("masks", [PARTED, mask("ünï: 🚲", (0, 44, 64, 48))])[0], sort="semantic")),
    item(2, through("masks", answered("masks", [])[0], sort="semantic"), split="test"),
]
KEYPOINTS = [
    item(1, through("keypoints", answered("keypoints", [point("car", 10, 12), point("ünï: 🚲", 20, 30)])[0])),
    item(2, through("keypoints", answered("keypoints", [point("car", 5, 5), point("car", 50, 40)])[0])),
    item(3, through("keypoints", answered("keypoints", [point("ünï: 🚲", 64, 48)])[0])),
]
pixels = samples_shapes.pixels
