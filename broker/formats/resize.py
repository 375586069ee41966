"""Smaller copies of images that were verified before: for lists, and for screens that are smaller than a camera."""

import io

from PIL import Image, ImageOps

QUALITY = 85
RESIZABLE = {"png", "jpeg", "webp"}
"""Moving images stay as they are."""
PLAIN = {"L", "LA", "RGB", "RGBA", "CMYK"}
SIXTEEN_BITS = "I"


def narrower(content: bytes, sort: str, width: int) -> bytes | None:
    """The image at this width in pixels, in its own format; None where it is no wider, or cannot be made smaller."""
    if sort not in RESIZABLE:
        return None
    with Image.open(io.BytesIO(content), formats=[sort.upper()]) as image:
        if image.width <= width or image.mode.startswith(SIXTEEN_BITS) or getattr(image, "is_animated", False):
            return None
        size = (width, max(1, round(image.height * width / image.width)))
        image.draft(None, size)  # a JPEG is decoded at a fraction of its size where that is enough
        upright = ImageOps.exif_transpose(image)
        if upright.mode not in PLAIN:
            upright = upright.convert("RGBA" if "transparency" in image.info or "A" in image.mode else "RGB")
        small = upright.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        file = io.BytesIO()
        small.save(file, format=sort, quality=QUALITY, icc_profile=image.info.get("icc_profile"))
        return file.getvalue()
