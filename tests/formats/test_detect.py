"""Which reader a file gets, and the preview of its first rows."""

import pytest

from broker.errors import Invalid
from broker.formats import detect
from broker.formats.limits import Limits
from tests.formats.samples import packed, png, stream
from tests.formats.test_parquet import written


@pytest.mark.parametrize(
    ("filename", "content", "name"),
    [
        ("a.csv", b"id,text\n1,a\n", "csv"),
        ("A.CSV", b"\xef\xbb\xbfid\n1\n", "csv"),
        ("a.csv", b'"x; y",z\n1,2\n', "csv"),
        ("a.csv", b"id;text\n1;a\n", "csv"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "csv"),
        ("a.csv", b"a,b\n\0,2\n", "csv"),
        ("a.csv", b"{x},y\n1,2\n", "csv"),
        ("a.tsv", b"id,x\n1,a\n", "tsv"),
        ("a.txt", b"id\ttext\n1\ta\n", "tsv"),
        ("a.jsonl", b'{"a": 1}\n', "jsonl"),
        ("a.json", b'\n {"a": 1}\n', "jsonl"),
        ("upload", b'{"a": 1}\n', "jsonl"),
        ("a.zip", packed([("a.png", png())]), "zip"),
        ("a.csv", packed([("a.png", png())]), "zip"),
        ("a.zip", packed([]), "zip"),
        ("a.parquet", written({"a": [1]}), "parquet"),
    ],
)
def test_content_decides_before_the_name_does(filename, content, name):
    assert detect.reader_for(filename, content).name == name


@pytest.mark.parametrize(
    ("filename", "content", "part"),
    [
        ("a.csv", b"", "no rows"),
        ("a.csv", b"\xef\xbb\xbf \n", "no rows"),
        ("a.gz", b"\x1f\x8b\x08\0", "unpack it first"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "save the table as CSV"),
        ("a.xlsx", packed([("[Content_Types].xml", b"<x/>")]), "save the table as CSV"),
        ("a.ods", packed([("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")]), "save the table as CSV"),
        ("a.pdf", b"%PDF-1.7\n", "a PDF"),
        ("a.png", png(), "put the images in a ZIP"),
        ("a.csv", "id\n1\n".encode("utf-16"), "UTF-16"),
        ("a.zip", b"id,text\n1,a\n", "called .zip"),
        ("a.parquet", b"id,text\n1,a\n", "called .parquet"),
        ("a.json", b'[{"a": 1}]', "one JSON list"),
        ("a.html", b"<html></html>", ".html are not known"),
        ("a.bin", bytes(range(256)), "neither text"),
        ("a.csv", bytes(1_000), "neither text"),
    ],
)
def test_the_unknown_is_refused_with_what_to_do(filename, content, part):
    with pytest.raises(Invalid) as caught:
        detect.reader_for(filename, content)
    assert part in caught.value.message


def test_a_semicolon_file_is_split_at_semicolons():
    content = b"id;text\n1;a,b\n"
    sample = detect.sample(detect.reader_for("a.csv", content), stream(content))
    assert sample.rows[0].payload == {"id": "1", "text": "a,b"}


def test_a_sample_holds_the_first_rows_the_columns_and_the_problems():
    content = b'{"a": 1}\n{"b": 2, "a": 3}\nnonsense\n' + b'{"c": 1}\n' * 100
    sample = detect.sample(detect.reader_for("a.jsonl", content), stream(content), 3)
    assert sample.columns == ["a", "b", "c"]
    assert [row.number for row in sample.rows] == [1, 2, 4]
    assert [problem.row for problem in sample.problems] == [3]


def test_a_sample_of_nothing_but_problems_ends_too():
    content = b"a,b\n" + b"1\n" * 1_000
    sample = detect.sample(detect.reader_for("a.csv", content), stream(content), 5, Limits())
    assert (sample.columns, sample.rows, len(sample.problems)) == ([], [], 5)
