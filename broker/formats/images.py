"""Is this really an image? Decoded within limits before anybody has to trust it; kept upright and without metadata."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from broker.errors import Invalid
from broker.formats.limits import Limits
from broker.formats.strip import STRIP

# What every browser shows. BMP and TIFF are left out: large, rare, and one more parser of hostile bytes each.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# A phone's JPEG with a second picture behind the first is called MPO.
SORTS = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp", "GIF": "gif"}
ORIENTATION = 0x0112
UPRIGHT = 1
JPEG_QUALITY, WEBP_QUALITY = 92, 92


class Picture(NamedTuple):
    """A verified image as it is kept: its sort, its bytes without metadata, and its size in pixels, upright."""

    sort: str
    content: bytes
    width: int
    height: int


def take(content: bytes, limits: Limits) -> Picture:
    """The image as it may be kept and shown: decoded whole (a moving one's first frame), upright, without metadata.

    EXIF's turn is applied to the pixels; an image that needs none keeps them byte for byte, and so does a moving one.
    Raises Invalid saying why it is none we take.
    """
    try:
        return _taken(content, limits)
    except Invalid:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid(f"the image has more than the accepted {limits.image_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Invalid(f"not an image of an accepted format ({', '.join(FORMATS)})") from error
    # A decoder of hostile bytes raises whatever the bytes make of it.
    except Exception as error:
        raise Invalid("the image is damaged and cannot be decoded") from error


def _taken(content: bytes, limits: Limits) -> Picture:
    with _opened(content, limits) as image:
        sort, turn = SORTS[str(image.format)], _turn(image)
    bare = STRIP[sort](content)
    # What is kept is what is decoded: bytes that two parsers read differently are damaged, not shown.
    with _opened(bare, limits) as image:
        image.load()
        if turn == UPRIGHT or sort not in _SAVED or getattr(image, "is_animated", False):
            return Picture(sort, bare, *image.size)
        image.getexif()[ORIENTATION] = turn
        return _upright(image, sort, _SAVED[sort](image, bare))


def _opened(content: bytes, limits: Limits) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    pixels = image.width * image.height
    if pixels > limits.image_pixels:
        raise Invalid(f"the image has {pixels:,} pixels; at most {limits.image_pixels:,} are accepted")
    return image


def _turn(image: Image.Image) -> int:
    try:
        turn = image.getexif().get(ORIENTATION, UPRIGHT)
    # Metadata that nobody can read says nothing; the picture may be sound all the same.
    except Exception:  # noqa: BLE001
        return UPRIGHT
    return turn if turn in range(2, 9) else UPRIGHT


def _upright(image: Image.Image, sort: str, options: dict[str, Any]) -> Picture:
    upright = ImageOps.exif_transpose(image)
    file = io.BytesIO()
    upright.save(file, format=sort, icc_profile=image.info.get("icc_profile"), **options)
    return Picture(sort, STRIP[sort](file.getvalue()), *upright.size)


def _as_jpeg(image: Image.Image, _: bytes) -> dict[str, Any]:
    """The tables that the JPEG was made with: packed again with them it loses next to nothing."""
    tables, sampling = getattr(image, "quantization", None), JpegImagePlugin.get_sampling(image)
    return {"qtables": tables, "subsampling": sampling} if tables and sampling >= 0 else {"quality": JPEG_QUALITY}


def _as_webp(_: Image.Image, content: bytes) -> dict[str, Any]:
    return {"lossless": b"VP8L" in content[:64], "quality": WEBP_QUALITY}


_SAVED: dict[str, Callable[[Image.Image, bytes], dict[str, Any]]] = {
    "jpeg": _as_jpeg,
    "png": lambda *_: {},
    "webp": _as_webp,
}
"""How an image that was turned is packed again, by its sort; the others know no turn."""
