"""The mask of an image as Ground Truth kept it: a PNG of the labels' colours on white."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from broker.annotation.kind import Json
from broker.errors import Invalid
from broker.formats import images
from broker.formats.limits import Limits
from broker.formats.manifest import Category
from broker.formats.masks_png import palette
from broker.formats.pictures import stretches


def drawn(answer: Json, categories: Sequence[Category]) -> tuple[bytes, dict[str, Any]]:
    """The PNG of an answer, and the answer with the colours of its labels under `labelMappings`.

    It takes what crowd-semantic-segmentation submits, and the kind of masks with its run lengths. Raises Invalid.
    """
    places = [answer, *(one for one in answer.values() if isinstance(one, Mapping))]
    for one in places:
        if "labeledImage" in one:
            return _composed(one["labeledImage"]), dict(one)
        if "masks" in one:
            return _painted(one, categories)
    raise Invalid("the answer has no picture of its mask")


def _composed(image: Any) -> bytes:
    try:
        content = base64.b64decode(image["pngImageData"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Invalid("the answer's picture is no PNG in base64") from None
    with Image.open(io.BytesIO(images.take(content, Limits()).content)) as found:
        seen = found.convert("RGBA")
        return _png(Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen))


def _painted(one: Json, categories: Sequence[Category]) -> tuple[bytes, dict[str, Any]]:
    names, colours = [category.name for category in categories], palette()
    size = one["inputImageProperties"]
    width, height = size["width"], size["height"]
    cells = bytearray(width * height)
    used = {}
    for mark in one["masks"]:
        if mark["label"] not in names:
            raise Invalid(f"{mark['label']!r} is none of the labels {', '.join(map(repr, names))}")
        value = names.index(mark["label"]) + 1
        used[mark["label"]] = {"color": "#{:02x}{:02x}{:02x}".format(*colours[3 * value : 3 * value + 3])}
        for start, end in stretches("masks", mark, (width, height)):
            cells[start:end] = bytes([value]) * (end - start)
    # Run lengths go down the columns, pictures along the rows.
    image = Image.frombytes("P", (height, width), bytes(cells)).transpose(Image.Transpose.TRANSPOSE)
    image.putpalette([255, 255, 255, *colours[3:]])
    return _png(image), {**one, "labelMappings": used}


def _png(image: Image.Image) -> bytes:
    with io.BytesIO() as target:
        image.convert("RGB").save(target, "PNG")
        return target.getvalue()
