"""Is this really an image? Decoded once, within limits, before anybody else has to trust it."""

import io
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from broker.errors import Invalid
from broker.formats.limits import Limits

# What every browser shows. BMP and TIFF are left out: large, rare, and one more parser of hostile bytes each.
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
ORIENTATION = 0x0112
TURNED = {5, 6, 7, 8}


class Picture(NamedTuple):
    """A verified image: its media type by content, and its size in pixels as a browser shows it (EXIF turn applied)."""

    media_type: str
    width: int
    height: int


def verify(content: bytes, limits: Limits) -> Picture:
    """Decode the whole image (the first frame of a moving one); raises Invalid saying why it is none we take."""
    try:
        return _decoded(content, limits)
    except Invalid:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid(f"the image has more than the accepted {limits.image_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Invalid(f"not an image of an accepted format ({', '.join(MEDIA_TYPES)})") from error
    # A decoder of hostile bytes raises whatever the bytes make of it.
    except Exception as error:
        raise Invalid("the image is damaged and cannot be decoded") from error


def _decoded(content: bytes, limits: Limits) -> Picture:
    with Image.open(io.BytesIO(content), formats=tuple(MEDIA_TYPES)) as image:
        pixels = image.width * image.height
        if pixels > limits.image_pixels:
            raise Invalid(f"the image has {pixels:,} pixels; at most {limits.image_pixels:,} are accepted")
        image.load()
        turned = image.getexif().get(ORIENTATION) in TURNED
        width, height = (image.height, image.width) if turned else image.size
        return Picture(MEDIA_TYPES[str(image.format)], width, height)
