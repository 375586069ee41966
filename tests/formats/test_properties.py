"""Laws of all readers and writers: no bytes break them, what is written is read, and every bookmark goes on exactly."""

import contextlib
import functools
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.errors import Invalid, Problem
from broker.formats import csv, detect, jsonl, parquet
from broker.formats import zip as zip_
from broker.formats.limits import KIB, Limits
from broker.formats.rows import Block, Bookmark, Row
from broker.formats.write import harmless, write_csv, write_jsonl
from tests.formats.samples import packed, png, resume_everywhere
from tests.formats.test_parquet import written

# The first call of a reader imports its library, and machines are shared: time proves nothing here.
law = settings(deadline=None)
TIGHT = Limits(bytes=5_000, rows=50, problems=20, fields=5, field_characters=20, row_bytes=60, depth=3)
NARROW = Limits(bytes=5_000, rows=50, problems=20, fields=5, field_characters=40, row_bytes=9, depth=3)
CSV_BYTES = st.lists(
    st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "a", "é", "\0", " ", "\ufeff", "b" * 30, "1,2\n"])
).map(lambda parts: "".join(parts).encode())
LINE = st.sampled_from(
    [b"a,b\n", b"1,2\n", "é,\r\n".encode(), b'"x ""y""",z\n', b"\n", b'"two\nlines",1\n', b"1,2,3\n"]
)
JSON_BYTES = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            '"a"',
            ":",
            "1",
            ",",
            "[",
            "]",
            "\n",
            "\r",
            "NaN",
            '{"a":1}\n',
            '{"b":[]}\n',
            '"\\ud800"',
            "é",
            "1e999",
        ]
    )
).map(lambda parts: "".join(parts).encode())
# What PostgreSQL can hold: no NUL, no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
# A header cannot begin with a byte order mark that is no byte order mark.
NAME = TEXT.map(lambda text: harmless(text.strip()[:100])).filter(
    lambda text: text == text.strip("\ufeff").strip() != ""
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
GOOD_ZIP = packed(
    [("a.png", png()), ("b.gif", png(kind="GIF")), ("c.jpg", png(kind="JPEG")), ("d.webp", png(kind="WEBP"))]
)


def survives(read, content, limits=None):
    """Reads to the end or to an Invalid; any other exception fails the test."""
    with contextlib.suppress(Invalid):
        for item in read(io.BytesIO(content), limits=limits or Limits()):
            assert isinstance(item, Row | Problem)


def taken(read, content, limits):
    """The items of a file that is read to its end; none of one that is refused on the way."""
    with contextlib.suppress(Invalid):
        return list(read(io.BytesIO(content), limits=limits))
    return []


@pytest.mark.parametrize("limits", [Limits(), TIGHT])
@law
@given(content=st.binary() | CSV_BYTES | JSON_BYTES)
def test_no_bytes_break_a_reader_of_text(limits, content):
    survives(csv.read, content, limits)
    survives(functools.partial(csv.read, delimiter="\t"), content, limits)
    survives(jsonl.read, content, limits)


@law
@given(content=st.binary(), begin=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"PAR1"]))
def test_no_bytes_break_a_reader_of_binary_files(content, begin):
    survives(zip_.read, begin + content)
    survives(parquet.read, begin + content)
    survives(parquet.read, begin + content + b"\x04\0\0\0PAR1")


@law
@given(changes=st.lists(st.tuples(st.integers(0, len(GOOD_ZIP) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_damage_breaks_the_reader_of_zips(changes):
    content = bytearray(GOOD_ZIP)
    for at, byte in changes:
        content[at] = byte
    survives(zip_.read, bytes(content))


@law
@given(
    filename=st.sampled_from(
        ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.zip", "a.parquet", "a", "a.txt", "..", "a.exe"]
    ),
    content=st.binary() | CSV_BYTES | JSON_BYTES,
)
def test_any_upload_gets_a_reader_or_a_reason(filename, content):
    try:
        reader = detect.reader_for(filename, content)
    except Invalid:
        return
    survives(reader.read, content)


@pytest.mark.parametrize("limits", [Limits(), TIGHT])
@law
@given(content=CSV_BYTES.map(lambda rest: b"a,b\n" + rest))
@example(content=b'a,b\n"' + b"x" * 70 + b'\n1,2\n"\n3,4\r')
def test_csv_goes_on_exactly_from_every_bookmark(limits, content):
    if taken(csv.read, content, limits):
        resume_everywhere(csv.read, content, limits)


def unpacked(stream, start=csv.BEGINNING, limits=None):
    """The rows of blocks one by one."""
    for piece in csv.read_whole(stream, start, limits or Limits()):
        if isinstance(piece, Block):
            for at, (fields, offset) in enumerate(zip(piece.rows, piece.offsets, strict=True)):
                yield Row(piece.number + at, dict(zip(piece.names, fields, strict=True)), offset)
        else:
            yield piece


READS = (csv.read, unpacked)


@pytest.mark.parametrize("limits", [Limits(), TIGHT, NARROW])
@pytest.mark.parametrize("size", [8, 64 * KIB])
@given(content=CSV_BYTES.map(lambda rest: b"a,b\n" + rest) | st.lists(LINE).map(b"".join))
@example(content=b'a,b\n1,2\n"3\n",4\n\n5,6\n7\n8,9\n')
@example(content=b"a,b\n" + b"1" * 20 + b",2\n")
@example(content=b'a,b\n""\r\n1,2\n"' + b"b" * 60 + b"1,2\n")
def test_csv_is_the_same_block_by_block(limits, size, content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("broker.formats.lines.BLOCK", size)
        found = taken(csv.read, content, limits)
        assert taken(unpacked, content, limits) == found
        for row in found:
            if isinstance(row, Row):
                rest = [list(read(io.BytesIO(content), Bookmark(row.offset, row.number), limits)) for read in READS]
                assert rest[0] == rest[1]


def test_good_rows_come_in_blocks_and_others_one_by_one(monkeypatch):
    monkeypatch.setattr("broker.formats.lines.BLOCK", 12)
    content = b'a,b\n1,2\n3,4\n"5\n",6\n7,8\n9,x\n1,y\n'
    pieces = list(csv.read_whole(io.BytesIO(content)))
    assert [len(piece.rows) if isinstance(piece, Block) else piece.number for piece in pieces] == [2, 3, 4, 2]


@pytest.mark.parametrize("limits", [Limits(), TIGHT])
@law
@given(content=JSON_BYTES.map(lambda rest: b'{"a":0}\n' + rest))
def test_json_lines_go_on_exactly_from_every_bookmark(limits, content):
    if taken(jsonl.read, content, limits):
        resume_everywhere(jsonl.read, content, limits)


@law
@given(data=st.data(), names=st.lists(NAME, min_size=1, max_size=4, unique=True))
def test_csv_reads_what_it_wrote_but_for_the_guard_against_formulas(data, names):
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, TEXT)), min_size=1, max_size=5))
    content = b"".join(write_csv(rows, names))
    items = list(csv.read(io.BytesIO(content)))
    assert [item.payload for item in items] == [{key: harmless(value) for key, value in row.items()} for row in rows]
    resume_everywhere(csv.read, content)


@law
@given(rows=st.lists(st.dictionaries(TEXT.filter(bool), VALUE, min_size=1, max_size=4), min_size=1, max_size=5))
def test_json_lines_read_what_they_wrote(rows):
    content = b"".join(write_jsonl(rows))
    assert [item.payload for item in jsonl.read(io.BytesIO(content))] == rows
    resume_everywhere(jsonl.read, content)


@law
@given(
    rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), TEXT), min_size=1, max_size=20), group=st.integers(1, 7)
)
def test_parquet_goes_on_exactly_from_every_bookmark(rows, group):
    numbers, texts = zip(*rows, strict=True)
    content = written({"n": numbers, "t": texts}, row_group_size=group)
    assert [tuple(item.payload.values()) for item in parquet.read(io.BytesIO(content))] == rows
    resume_everywhere(parquet.read, content)
