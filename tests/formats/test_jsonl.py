"""JSON Lines: what is a row, what is a problem, and where."""

import pytest

from broker.errors import Invalid
from broker.formats import jsonl
from broker.formats.limits import Limits
from broker.formats.rows import Problem, Row
from tests.formats.samples import read_all, resume_everywhere


def complaint(line: bytes, **limits: int) -> Problem:
    rows, problems = read_all(jsonl.read, b'{"a": 1}\n' + line + b'\n{"a": 3}\n', limits=Limits(**limits))
    assert [row.number for row in rows] == [1, 3]
    assert len(problems) == 1
    assert problems[0].row == 2
    return problems[0]


def test_nested_values_are_kept_as_they_are():
    content = '\ufeff{"id": 7, "tags": ["a", {"b": null}], "x": 0.5}\r\n\n  \n{"id": "é"}'.encode()
    rows, problems = read_all(jsonl.read, content)
    assert problems == []
    assert rows[0].payload == {"id": 7, "tags": ["a", {"b": None}], "x": 0.5}
    assert rows[1] == Row(2, {"id": "é"}, len(content))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b'{"a": 1,}', "not JSON at character 9"),
        (b'{"a": tru}', "not JSON at character 7"),
        (b'{"a": 1} {"a": 2}', "not JSON at character 10"),
        (b"[1, 2]", "not a JSON object"),
        (b"7", "not a JSON object"),
        (b"{}", "no keys"),
        (b'{"": 1}', "key is empty"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": [-Infinity]}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "1e999 is beyond"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "integer"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper than 32"),
        (b'{"a": "\xe9"}', "byte 16 (0xE9) is not UTF-8"),
        (b'{"a": "\0"}', "byte 16 is a NUL byte"),
    ],
)
def test_a_bad_line_is_one_problem_that_says_why(line, part):
    assert part in complaint(line).message


@pytest.mark.parametrize(
    ("line", "column", "part"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "a", "twice"),
        (b'{"a": {"c": 1, "c": 2}}', "c", "twice"),
        (b'{"a": 1, "b": ["x", {"k": "\\u0000"}]}', "b", "NUL"),
        (b'{"a": 1, "b": {"\\ud800": 1}}', "b", "surrogate"),
    ],
)
def test_a_problem_inside_an_object_names_its_column(line, column, part):
    found = complaint(line)
    assert found.column == column
    assert part in found.message


def test_whole_surrogate_pairs_and_shallow_brackets_are_fine():
    rows, problems = read_all(jsonl.read, b'{"a": "\\ud83d\\ude00", "b": "' + b"[" * 99 + b'"}\n')
    assert problems == []
    assert rows[0].payload["a"] == "\U0001f600"


def test_limits_on_row_bytes_and_keys():
    assert "50 bytes" in complaint(b'{"a": "' + b"x" * 60 + b'"}', row_bytes=50).message
    assert "2 keys" in complaint(b'{"a": 1, "b": 2}', fields=1).message


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_no_rows_is_invalid(content):
    with pytest.raises(Invalid, match="no rows"):
        read_all(jsonl.read, content)


def test_going_on_after_any_row():
    resume_everywhere(jsonl.read, '{"a": "é"}\n\n{"a": \n{"a": 3}\r\n{"a": "x"}\r[]\n{"a": 6}'.encode())
