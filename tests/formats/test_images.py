"""Images as they are kept: upright, without a trace of place, device or preview, their pixels untouched."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from broker.errors import Invalid
from broker.formats import images, resize
from broker.formats.limits import Limits
from broker.formats.strip import STRIP
from tests.formats.samples import png

SECRET = b"47.9990 N 7.8421 E"
KINDS = ("JPEG", "PNG", "WEBP")
ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825


def photo(width=60, height=40):
    """A picture in which every corner is another."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 255 - across], -1).astype(np.uint8))


def exif(turn=1):
    """What a phone writes: how it was held, where, and what it is called."""
    made = Image.Exif()
    made[ORIENTATION], made[DESCRIPTION] = turn, SECRET.decode()
    made.get_ifd(GPS).update({1: "N", 2: (47.0, 59.0, 56.0), 3: "E", 4: (7.0, 50.0, 31.0)})
    return made


def file(kind, image=None, **options):
    stream = io.BytesIO()
    (image or photo()).save(stream, kind, **options)
    return stream.getvalue()


def taken(content, **limits):
    return images.take(content, Limits(**limits))


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def turned(content):
    """The pixels as a browser shows them."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGBA")).astype(int)


@pytest.mark.parametrize("kind", KINDS)
def test_places_and_other_metadata_do_not_survive(kind):
    content = file(kind, exif=exif())
    assert SECRET in content, "the test's own picture has them"
    found = taken(content)
    assert SECRET not in found.content
    with Image.open(io.BytesIO(found.content)) as image:
        assert dict(image.getexif()) == {}
        assert not {"exif", "xmp", "comment"} & image.info.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_is_upright_keeps_its_pixels_to_the_last_bit(kind):
    content = file(kind, exif=exif())
    assert np.array_equal(pixels(taken(content).content), pixels(content))


@pytest.mark.parametrize("kind", [*KINDS, "GIF"])
def test_an_image_without_metadata_is_kept_byte_for_byte(kind):
    content = file(kind)
    assert taken(content).content == content


@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize(("kind", "most"), [("PNG", 0), ("JPEG", 16), ("WEBP", 16)])
def test_the_turn_of_exif_is_applied_to_the_pixels(kind, turn, most):
    content = file(kind, exif=exif(turn))
    found = taken(content)
    assert (found.width, found.height) == ((40, 60) if turn >= 5 else (60, 40))
    assert pixels(found.content).shape[:2] == (found.height, found.width)
    assert np.abs(pixels(found.content) - turned(content)).max() <= most
    assert SECRET not in found.content


def test_a_lossless_webp_stays_lossless_when_it_is_turned():
    content = file("WEBP", lossless=True, exif=exif(6))
    assert np.array_equal(pixels(taken(content).content), turned(content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_colour_profile_is_kept_because_colours_need_it(kind):
    profile = b"\0" * 128 + b"profile"
    for turn in (1, 6):
        with Image.open(io.BytesIO(taken(file(kind, exif=exif(turn), icc_profile=profile)).content)) as image:
            assert image.info["icc_profile"] == profile


def jpeg_with(segment):
    content = file("JPEG")
    return content[:2] + segment + content[2:]


@pytest.mark.parametrize("code", [0xE1, 0xE2, 0xE4, 0xED, 0xEF, 0xFE])
def test_every_application_of_a_jpeg_but_colour_is_dropped(code):
    segment = b"\xff" + bytes([code]) + struct.pack(">H", 2 + len(SECRET)) + SECRET
    content = jpeg_with(segment)
    assert taken(content).content == file("JPEG")


def test_what_trails_behind_a_jpeg_is_dropped():
    content = file("JPEG")
    assert taken(content + SECRET).content == content
    second = file("JPEG", exif=exif())
    assert taken(content + second).content == content, "a moving photo, a depth map, the original of an edit"


def test_a_phones_jpeg_of_two_pictures_is_taken_as_its_first():
    content = file("MPO", save_all=True, append_images=[photo(30, 20)])
    found = taken(content)
    assert (found.sort, found.width, found.height) == ("jpeg", 60, 40)
    assert b"MPF" not in found.content


def test_the_scans_of_a_progressive_jpeg_are_all_kept():
    content = file("JPEG", progressive=True, exif=exif())
    assert np.array_equal(pixels(taken(content).content), pixels(content))


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"prVt"])
def test_a_png_keeps_no_chunk_that_tells_anything_but_the_picture(name):
    content = file("PNG")
    chunk = struct.pack(">I", len(SECRET)) + name + SECRET + struct.pack(">I", zlib.crc32(name + SECRET))
    assert taken(content[:33] + chunk + content[33:]).content == content
    assert taken(content + SECRET).content == content


def test_a_png_keeps_its_transparency():
    palette = photo().convert("P")
    palette.info["transparency"] = 3
    content = file("PNG", palette, pnginfo=PngImagePlugin.PngInfo(), exif=exif(6))
    assert np.array_equal(pixels(taken(content).content), turned(content))


def gif(frames=3):
    first, *rest = (photo().rotate(30 * number) for number in range(frames))
    return file("GIF", first, save_all=True, append_images=rest, loop=0, duration=80, comment=SECRET)


def test_a_gif_loses_its_comments_and_keeps_its_frames_and_its_loop():
    found = taken(gif())
    assert SECRET not in found.content
    with Image.open(io.BytesIO(found.content)) as image:
        assert (image.n_frames, image.info["loop"], image.info["duration"]) == (3, 0, 80)
        image.seek(2)
        last = np.asarray(image.convert("RGB"))
    with Image.open(io.BytesIO(gif())) as image:
        image.seek(2)
        assert np.array_equal(last, np.asarray(image.convert("RGB")))


def test_an_animated_webp_keeps_its_frames_and_loses_its_metadata():
    content = file("WEBP", save_all=True, append_images=[photo().rotate(90)], exif=exif())
    found = taken(content)
    assert SECRET not in found.content
    with Image.open(io.BytesIO(found.content)) as image:
        assert image.n_frames == 2


def test_metadata_that_cannot_be_read_does_not_cost_the_image():
    content = jpeg_with(b"\xff\xe1" + struct.pack(">H", 2 + 14) + b"Exif\0\0" + b"\xff" * 8)
    assert taken(content).content == file("JPEG")


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(Invalid, match="pixels"):
        taken(file("PNG"), image_pixels=60 * 40 - 1)


def test_a_gif_whose_frame_is_larger_than_it_says_is_no_way_around_the_limit():
    content = bytearray(png(4, 3, "GIF"))
    at = content.index(b"\x2c")
    content[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    with pytest.raises(Invalid):
        taken(bytes(content), image_pixels=10_000)


@pytest.mark.parametrize("kind", [*KINDS, "GIF"])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), end=st.integers(0, 10_000))
def test_whatever_is_damaged_is_refused_or_shows_what_it_showed(kind, place, byte, end):
    whole = file(kind, photo(12, 8), **({"exif": exif(6)} if kind != "GIF" else {}))
    content = bytearray(whole)
    content[place % len(content)] = byte
    content = bytes(content[: max(1, len(content) - end % 40)])
    try:
        found = taken(content, image_pixels=1_000_000)
    except Invalid:
        return
    assert pixels(found.content).shape[:2] == (found.height, found.width)
    again = pixels(STRIP[found.sort](found.content))
    assert np.array_equal(again, pixels(found.content)), "there is nothing left to take out"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [10, 59])
def test_a_smaller_copy_has_the_width_asked_for_and_the_same_shape(kind, width):
    small = resize.narrower(file(kind), kind.lower(), width)
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (width, round(40 * width / 60))
        assert image.format == kind
    difference = pixels(small)[:: max(1, width // 8)].mean(axis=(0, 1)) - pixels(file(kind)).mean(axis=(0, 1))
    assert np.abs(difference).max() < 40


def test_what_is_no_wider_or_moves_has_no_smaller_copy():
    assert resize.narrower(file("PNG"), "png", 60) is None
    assert resize.narrower(gif(), "gif", 10) is None
    moving = file("WEBP", save_all=True, append_images=[photo().rotate(90)])
    assert resize.narrower(moving, "webp", 10) is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_a_png_can_be_made_smaller_or_says_no(mode):
    image = (
        photo().convert("I").point(lambda value: value * 200).convert("I;16")
        if mode == "I;16"
        else photo().convert(mode)
    )
    small = resize.narrower(file("PNG", image), "png", 20)
    assert (small is None) == (mode == "I;16")


def test_a_jpeg_of_print_colours_can_be_made_smaller():
    small = resize.narrower(file("JPEG", photo().convert("CMYK")), "jpeg", 20)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.mode, image.size) == ("CMYK", (20, 13))
