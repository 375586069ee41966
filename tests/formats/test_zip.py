"""A ZIP of images: what is let in, what is a problem of one entry, and what refuses the whole file."""

import io
import stat
import struct
import zipfile

import pytest

from broker.errors import Invalid, TooLarge
from broker.formats import zip as zip_
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark
from tests.formats.samples import packed, png, png_that_claims, read_all, resume_everywhere

GIF = png(kind="GIF")


def only_problem(entries, method=zipfile.ZIP_STORED, **limits):
    rows, problems = read_all(zip_.read, packed([*entries, ("good.png", png())], method), limits=Limits(**limits))
    assert [row.payload["name"] for row in rows] == ["good.png"]
    assert [problem.row for problem in problems] == [1]
    return problems[0].message


def test_images_come_with_name_type_size_and_bytes():
    entries = [("a/1.png", png()), ("a/2.jpg", png(5, 6, "JPEG")), ("3.webp", png(kind="WEBP")), ("4.gif", GIF)]
    rows, problems = read_all(zip_.read, packed(entries, zipfile.ZIP_DEFLATED))
    assert problems == []
    assert rows[1].payload == {"name": "a/2.jpg", "media_type": "image/jpeg", "width": 5, "height": 6}
    assert [row.payload["media_type"] for row in rows] == ["image/png", "image/jpeg", "image/webp", "image/gif"]
    assert [row.content for row in rows] == [content for _, content in entries]


def test_the_type_is_that_of_the_bytes_and_not_of_the_name():
    rows, _ = read_all(zip_.read, packed([("photo.jpg", GIF)]))
    assert rows[0].payload["media_type"] == "image/gif"


def test_width_and_height_are_those_a_browser_shows():
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    rows, _ = read_all(zip_.read, packed([("turned.jpg", png(5, 9, "JPEG", exif=exif))]))
    assert (rows[0].payload["width"], rows[0].payload["height"]) == (9, 5)


def test_folders_dot_files_and_system_litter_are_passed_over():
    litter = [("images/", b""), ("__MACOSX/._a.png", b"x"), (".DS_Store", b"x"), ("images/Thumbs.db", b"x")]
    rows, problems = read_all(zip_.read, packed([*litter, ("images/a.png", png())]))
    assert [(row.number, row.payload["name"]) for row in rows] == [(1, "images/a.png")]
    assert problems == []


@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "..\\a.png", "/etc/a.png", "\\\\host\\a.png", "C:\\a.png", "c:a.png", "a\n.png"],
)
def test_a_path_that_leads_elsewhere_refuses_the_file(name):
    with pytest.raises(Invalid, match="ZIP is refused") as caught:
        read_all(zip_.read, packed([("good.png", png()), (name, png())]))
    assert [problem.row for problem in caught.value.problems] == [2]


def test_a_nul_in_a_name_does_not_hide_its_end():
    content = packed([("good.png?/../x", png())]).replace(b"good.png?", b"good.png\0")
    with pytest.raises(Invalid, match="ZIP"):
        read_all(zip_.read, content)


def test_a_symbolic_link_refuses_the_file():
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(Invalid, match="symbolic link"):
        read_all(zip_.read, packed([(link, b"/etc/passwd")]))


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked():
    with pytest.raises(Invalid, match="ZIP bomb"):
        read_all(zip_.read, packed([("a.png", bytes(8 << 20))], zipfile.ZIP_DEFLATED))


def test_a_bomb_is_refused_by_its_total_and_its_count():
    content = packed([(f"{number}.png", png()) for number in range(3)])
    with pytest.raises(TooLarge, match="unpacks to"):
        read_all(zip_.read, content, limits=Limits(unpacked_bytes=3 * len(png()) - 1))
    with pytest.raises(TooLarge, match="3 files"):
        read_all(zip_.read, content, limits=Limits(zip_entries=2))


def test_a_huge_table_of_contents_is_refused_before_it_is_read():
    content = packed([(f"{number:0200}.png", b"") for number in range(6_000)])
    with pytest.raises(TooLarge, match="table of contents"):
        read_all(zip_.read, content, limits=Limits(zip_entries=100))


def test_an_entry_that_unpacks_to_more_than_it_declares_is_a_problem():
    content = packed([("a.png", b"x" * 5_000)], zipfile.ZIP_DEFLATED)
    lie = content.replace(struct.pack("<L", 5_000), struct.pack("<L", 50))
    assert lie != content
    _, problems = read_all(zip_.read, lie)
    assert "a.png: damaged in the ZIP" in problems[0].message


def test_a_bomb_that_declares_little_gives_no_more_than_it_declares():
    content = packed([("a.png", bytes(64 << 20))], zipfile.ZIP_DEFLATED)
    lie = content.replace(struct.pack("<L", 64 << 20), struct.pack("<L", 500))
    _, problems = read_all(zip_.read, lie)
    assert [problem.row for problem in problems] == [1]


def test_an_encrypted_entry_is_a_problem():
    content = bytearray(packed([("a.png", png()), ("b.png", png())]))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    rows, problems = read_all(zip_.read, bytes(content))
    assert "a.png: encrypted" in problems[0].message
    assert [row.number for row in rows] == [2]


def test_an_image_that_is_not_an_image_is_a_problem_that_names_the_entry():
    assert only_problem([("x/cat.png", b"<html>hello</html>")]).startswith("x/cat.png: not an image")
    assert only_problem([("cat.png", b"")]).startswith("cat.png: not an image")


@pytest.mark.parametrize("content", [png(kind="BMP"), png(kind="TIFF"), b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_formats_outside_the_list_are_problems(content):
    assert "not an image of an accepted format (PNG, JPEG, WEBP, GIF)" in only_problem([("a.png", content)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_cut_image_is_a_problem(kind):
    whole = png(60, 60, kind)
    assert "a.png: " in only_problem([("a.png", whole[: len(whole) * 2 // 3])])


@pytest.mark.parametrize("side", [300, 9_000, 12_000, 60_000])
def test_an_image_of_too_many_pixels_is_a_problem_before_it_is_decoded(side):
    assert "pixels" in only_problem([("a.png", png_that_claims(side, side))], image_pixels=80_000)


def test_an_archive_inside_the_archive_is_a_problem():
    assert "archive inside the archive" in only_problem([("more.zip", packed([("b.png", png())]))])


def test_an_entry_over_the_size_limit_is_a_problem():
    assert "5,000 bytes" in only_problem([("a.png", b"x" * 5_000)], image_bytes=4_999)


def test_the_same_name_twice_is_a_problem():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = packed([("a.png", png()), ("a.png", GIF)])
    rows, problems = read_all(zip_.read, content)
    assert [row.number for row in rows] == [1]
    assert "a.png: is in the ZIP twice" in problems[0].message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_bounded_are_problems(method):
    _, problems = read_all(zip_.read, packed([("a.png", png())], method))
    assert "a method other than" in problems[0].message


def test_a_damaged_entry_is_a_problem():
    content = bytearray(packed([("a.png", png())]))
    content[50] ^= 0xFF
    _, problems = read_all(zip_.read, bytes(content))
    assert "damaged in the ZIP" in problems[0].message


@pytest.mark.parametrize("content", [packed([]), packed([("__MACOSX/a.png", b"x")])])
def test_no_images_is_invalid(content):
    with pytest.raises(Invalid, match="no rows"):
        read_all(zip_.read, content)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", packed([("a.png", png())])[:-30], b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_zip_is_invalid(content):
    with pytest.raises(Invalid, match="cannot be read"):
        read_all(zip_.read, content)


def test_going_on_after_any_row():
    entries = [("a.png", png()), ("b.png", b"x"), ("c.gif", GIF), ("d.txt", b"hello")]
    resume_everywhere(zip_.read, packed(entries))
    assert list(zip_.read(io.BytesIO(packed(entries)), Bookmark(4, 4))) == []


def test_a_file_over_the_limit_is_too_large():
    with pytest.raises(TooLarge, match="bytes"):
        read_all(zip_.read, packed([("a.png", png())]), limits=Limits(bytes=50))
