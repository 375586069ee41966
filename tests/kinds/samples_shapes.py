"""Samples of the rooms that draw on images."""

import base64
import io
import json

import numpy as np
from PIL import Image
from pycocotools import mask as coco

from tests.kinds.sample import Sample

WIDTH, HEIGHT = 64, 48
FRAME = {"height": HEIGHT, "width": WIDTH}
ITEM = {"_image": "images/ab/abcd.png", "name": "a.png"}


def settings(*names, **more):
    labels = [{"name": name, "definition": f"what {name} means", "examples": []} for name in names]
    return {"media": "image", "field": "_image", "question": "Where?", "labels": labels, "least": 0, "most": 20, **more}


def answered(key, marks, frame=FRAME):
    """(The raw answer of an element, as it stands in a table), marks in the order of the labels."""
    raw = {"annotatedResult": {key: marks, **({"inputImageProperties": frame} if frame else {})}}
    return raw, json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def box(label, left, top, width, height):
    return {"height": height, "label": label, "left": left, "top": top, "width": width}


def point(label, x, y):
    return {"label": label, "x": x, "y": y}


def path(label, *points):
    return {"label": label, "vertices": [{"x": x, "y": y} for x, y in points]}


def pixels(*spans):
    """An array of an image, 1 within each (left, top, right, bottom)."""
    cells = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, top, right, bottom in spans:
        cells[top:bottom, left:right] = 1
    return cells


def mask(label, *spans):
    """A mask's entry as the element writes it, made by COCO's own encoder."""
    cells = pixels(*spans)
    counts = coco.encode(np.asfortranarray(cells))["counts"].decode()
    return {"area": int(cells.sum()), "counts": counts, "label": label, "size": [HEIGHT, WIDTH]}


def painted(parts, **more):
    """The PNG of Ground Truth's elements: (colour, spans) each painted over what was there before."""
    image = Image.new("RGBA", (WIDTH, HEIGHT))
    for colour, spans in parts:
        for span in spans:
            image.paste(colour, span)
    file = io.BytesIO()
    image.save(file, "PNG")
    picture = {"pngImageData": base64.b64encode(file.getvalue()).decode()}
    return {"annotatedResult": {"labeledImage": picture, "inputImageProperties": FRAME, **more}}


NOTHING = answered("boundingBoxes", [])
BOXES = [box("car", 3, 4, 20, 10), box("ünï cödé 🚲", 30, 5, 8, 20)]
SEMANTIC = [mask("road", (0, 30, 64, 48)), mask("sky", (0, 0, 64, 12), (10, 12, 20, 15))]
SAMPLES = [
    Sample(
        "boxes",
        settings("car", "ünï cödé 🚲"),
        ITEM,
        (
            answered("boundingBoxes", BOXES),
            answered("boundingBoxes", [box("car", 4, 4, 20, 11)], None),
            (
                {"annotatedResult": {"boundingBoxes": [box("car", 3.4, 3.6, 20.1, 10.0)] * 2}},
                answered("boundingBoxes", [box("car", 3, 4, 21, 10)], None)[1],
            ),
            NOTHING,
        ),
    ),
    Sample(
        "keypoints",
        settings("left eye", "right eye", spread=0.05, enough=0.7),
        ITEM,
        (
            answered("keypoints", [point("left eye", 10, 10), point("right eye", 20, 10)]),
            answered("keypoints", [point("left eye", 12, 11)]),
            answered("keypoints", []),
        ),
    ),
    Sample(
        "polygons",
        settings("lake", "wood", shape="polygon"),
        ITEM,
        (
            answered("polygons", [path("lake", (2, 3), (20, 3), (20, 20), (8, 30))]),
            (
                answered("polygons", [path("wood", (20, 3), (2, 3), (8, 30), (20, 20), (20, 3))])[0],
                answered("polygons", [path("wood", (2, 3), (20, 3), (20, 20), (8, 30))])[1],
            ),
            answered("polygons", [path("lake", (30, 30), (40, 3), (60, 40)), path("wood", (0, 0), (9, 0), (0, 9))]),
            answered("polygons", []),
        ),
    ),
    Sample(
        "polygons",
        settings("street", shape="polyline"),
        ITEM,
        (
            answered("polylines", [path("street", (2, 3), (20, 3), (20, 40))]),
            (
                answered("polylines", [path("street", (60, 40), (20, 5), (3, 3))])[0],
                answered("polylines", [path("street", (3, 3), (20, 5), (60, 40))])[1],
            ),
            answered("polylines", []),
        ),
    ),
    Sample(
        "polygons",
        settings("edge", shape="line", least=1, most=3),
        ITEM,
        (
            answered("lines", [path("edge", (2, 3), (20, 40))]),
            answered("lines", [path("edge", (3, 3), (21, 40)), path("edge", (40, 0), (40, 48))]),
        ),
    ),
    Sample(
        "masks",
        settings("road", "sky", sort="semantic"),
        ITEM,
        (
            answered("masks", SEMANTIC),
            answered("masks", [mask("road", (0, 28, 64, 48))]),
            (
                painted(
                    [("#ff0000", [(0, 30, 64, 48)]), ("#0000ff", [(0, 0, 64, 12), (10, 12, 20, 15)])],
                    labelMappings={"road": {"color": "#FF0000"}, "sky": {"color": "#0000ff"}},
                ),
                answered("masks", SEMANTIC)[1],
            ),
            answered("masks", []),
        ),
    ),
    Sample(
        "masks",
        settings("cell", "debris", sort="instance"),
        ITEM,
        (
            answered("masks", [mask("cell", (2, 2, 12, 12)), mask("cell", (30, 20, 44, 40))]),
            answered("masks", [mask("cell", (3, 2, 12, 13)), mask("debris", (50, 0, 64, 4))]),
            (
                painted([("#112233", [(5, 5, 9, 9)])], instances=[{"color": "#112233", "label": "debris"}]),
                answered("masks", [mask("debris", (5, 5, 9, 9))])[1],
            ),
            answered("masks", []),
        ),
    ),
]
