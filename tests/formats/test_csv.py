"""CSV and TSV: every bad input by name, and going on where we were."""

import functools
import io

import pytest

from broker.errors import Invalid, TooLarge
from broker.formats import csv
from broker.formats.limits import Limits
from broker.formats.lines import BLOCK
from broker.formats.rows import Bookmark, Problem, Row
from tests.formats.samples import Pipe, read_all, resume_everywhere


def test_rows_carry_number_values_and_where_the_next_one_begins():
    content = b'id,text\r\n1,cat\r\n\r\n2,"a, ""b""\r\nc"\r\n'
    rows, problems = read_all(csv.read, content)
    assert problems == []
    assert rows == [
        Row(1, {"id": "1", "text": "cat"}, 16),
        Row(2, {"id": "2", "text": 'a, "b"\r\nc'}, len(content)),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_all_three_line_ends_are_read(end, last):
    content = end.join(["id,text", "1,a", "2,b"]) + end * last
    rows, problems = read_all(csv.read, content.encode())
    assert [row.payload["text"] for row in rows] == ["a", "b"]
    assert problems == []


def test_tsv_has_tabs():
    rows, _ = read_all(csv.read, b"id\ttext\n1\ta,b\n", delimiter="\t")
    assert rows[0].payload == {"id": "1", "text": "a,b"}


def test_a_byte_order_mark_is_no_part_of_the_first_name_but_of_the_count():
    content = "\ufeffid,text\n1,é\n2,b\n".encode()
    rows, _ = read_all(csv.read, content)
    assert rows[0] == Row(1, {"id": "1", "text": "é"}, 3 + 8 + 5)
    resume_everywhere(csv.read, content)


def test_wrong_encoding_names_row_and_byte_and_keeps_the_other_rows():
    content = b"id,text\n1,caf\xe9\n2,tea\n"
    rows, problems = read_all(csv.read, content)
    assert problems == [Problem("byte 13 (0xE9) is not UTF-8 text; save the file as UTF-8", 1)]
    assert content[13] == 0xE9
    assert [row.number for row in rows] == [2]


def test_wrong_encoding_in_the_header_refuses_the_file():
    with pytest.raises(Invalid, match=r"byte 3 \(0xE9\) is not UTF-8"):
        read_all(csv.read, b"caf\xe9,b\n1,2\n")


def test_utf_16_is_refused():
    with pytest.raises(Invalid, match="UTF-16"):
        read_all(csv.read, "id,text\n1,a\n".encode("utf-16"))


def test_a_nul_byte_is_named():
    content = b"id,text\n1,a\0b\n2,c\n"
    rows, problems = read_all(csv.read, content)
    assert problems == [Problem("byte 11 is a NUL byte", 1)]
    assert [row.number for row in rows] == [2]


def test_an_unclosed_quote_costs_one_row_not_the_rest_of_the_file():
    content = b'id,text\n1,a\n2,"b\n3,c\n4,d\n'
    rows, problems = read_all(csv.read, content)
    assert problems == [Problem("the quote opened here is never closed", 2, "text")]
    assert [(row.number, row.payload["text"]) for row in rows] == [(1, "a"), (3, "c"), (4, "d")]
    assert [content[row.offset :] for row in rows] == [b'2,"b\n3,c\n4,d\n', b"4,d\n", b""]
    resume_everywhere(csv.read, content)


def test_text_after_a_closing_quote_names_row_and_column():
    rows, problems = read_all(csv.read, b'id,text,label\n1,"a"b,x\n2,c,y\n')
    assert [(problem.row, problem.column) for problem in problems] == [(1, "text")]
    assert "quoting" in problems[0].message
    assert [row.number for row in rows] == [2]


def test_a_stray_quote_that_meets_a_later_one_is_found_in_its_own_row():
    rows, problems = read_all(csv.read, b'id,text,label\n1,"a,x\n2,b,y\n3,"c",z\n')
    assert [(problem.row, problem.column) for problem in problems] == [(1, "text")]
    assert [row.payload["text"] for row in rows] == ["b", "c"]


def test_too_few_fields_name_the_first_missing_column():
    _, problems = read_all(csv.read, b"id,text,label\n1,a\n")
    assert problems == [Problem("the row ends after 2 of 3 fields", 1, "label")]


def test_too_many_fields_name_the_first_column_without_a_name():
    _, problems = read_all(csv.read, b"id,text\n1,a,b\n")
    assert problems == [Problem("the row has 3 fields where the header names 2 columns", 1, "#3")]


@pytest.mark.parametrize(
    ("header", "column"),
    [(b"id,,text", "#2"), (b"id,text, id ", "id"), (b"id,text,", "#3"), (b"id," + b"x" * 201, "#2")],
)
def test_a_header_with_an_empty_repeated_or_endless_name_is_refused(header, column):
    with pytest.raises(Invalid) as caught:
        read_all(csv.read, header + b"\n1,2,3\n")
    assert [problem.column for problem in caught.value.problems] == [column]


def test_a_header_with_broken_quoting_is_refused():
    with pytest.raises(Invalid, match="header"):
        read_all(csv.read, b'id,"text\n1,2\n')


def test_more_columns_than_allowed_are_refused():
    with pytest.raises(Invalid, match="3 columns"):
        read_all(csv.read, b"a,b,c\n1,2,3\n", limits=Limits(fields=2))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"id,text\n", b"id,text", b"\xef\xbb\xbf", b"id,text\n\n\r\n"])
def test_no_rows_is_invalid(content):
    with pytest.raises(Invalid, match="no rows"):
        read_all(csv.read, content)


@pytest.mark.parametrize("field", ["x" * 11, "é" * 11, '"' + "x" * 11 + '"'])
def test_a_field_over_the_limit_names_row_and_column(field):
    content = f"id,text\n1,short\n2,{field}\n3,{'é' * 10}\n".encode()
    rows, problems = read_all(csv.read, content, limits=Limits(field_characters=10))
    assert problems == [Problem("the field has more than 10 characters", 2, "text")]
    assert [row.number for row in rows] == [1, 3]


def test_a_field_over_the_modules_own_limit_is_a_problem_too():
    content = b"id,text\n1," + b"x" * (200 << 10) + b"\n2,b\n"
    rows, problems = read_all(csv.read, content)
    assert [(problem.row, problem.column) for problem in problems] == [(1, "text")]
    assert [row.number for row in rows] == [2]


def test_a_raised_limit_lets_longer_fields_in():
    content = b"id,text\n1," + b"x" * (200 << 10) + b"\n"
    rows, problems = read_all(csv.read, content, limits=Limits(field_characters=300 << 10))
    assert problems == []
    assert len(rows[0].payload["text"]) == 200 << 10


@pytest.mark.parametrize("length", [150, BLOCK - 20, 3 * BLOCK])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_too_long_to_hold_is_passed_over(length, end):
    content = end.join([b"id,text", b"1,a", b"2," + b"x" * length, b"3,c", b"4,d", b""])
    limits = Limits(row_bytes=100)
    rows, problems = read_all(csv.read, content, limits=limits)
    assert [problem.row for problem in problems] == [2]
    assert "100 bytes" in problems[0].message
    assert problems[0].column == ("text" if length < BLOCK else None)
    assert [row.number for row in rows] == [1, 3, 4]
    assert [content[row.offset :][:1] for row in rows] == [b"2", b"4", b""]
    resume_everywhere(csv.read, content, limits)


def test_a_quote_over_more_bytes_than_a_row_may_have_costs_one_row():
    content = b'id,text\n1,"open\n' + b"".join(b"%d,row\n" % number for number in range(2, 50)) + b'50,"end"\n'
    rows, problems = read_all(csv.read, content, limits=Limits(row_bytes=100))
    assert [(problem.row, problem.column) for problem in problems] == [(1, "text")]
    assert [row.payload["id"] for row in rows] == [str(number) for number in range(2, 51)]


def test_a_quote_over_more_lines_than_a_row_may_have_costs_one_row():
    content = b'id,text\n1,"a\nb\nc"\n2,"a\n3,c\n4,d\n5,e"\n'
    rows, problems = read_all(csv.read, content, limits=Limits(row_lines=3))
    assert [(problem.row, problem.column) for problem in problems] == [(2, "text")]
    assert [row.payload["text"] for row in rows] == ["a\nb\nc", "c", "d", 'e"']


def test_limits_on_rows_and_bytes():
    content = b"id,text\n" + b"1,a\n" * 10
    assert len(read_all(csv.read, content, limits=Limits(rows=10, bytes=len(content)))[0]) == 10
    with pytest.raises(TooLarge, match="more than 9 rows"):
        read_all(csv.read, content, limits=Limits(rows=9))
    with pytest.raises(TooLarge, match="more than 47 bytes"):
        read_all(csv.read, content, limits=Limits(bytes=47))
    with pytest.raises(TooLarge, match="bytes"):
        read_all(csv.read, b"id\n" + b"x" * BLOCK * 2, limits=Limits(bytes=BLOCK, row_bytes=10))


def test_too_many_problems_stop_the_reading_and_say_where():
    content = b"id,text\n" + b"1\n" * 5
    assert len(read_all(csv.read, content, limits=Limits(problems=5))[1]) == 5
    with pytest.raises(Invalid, match="stopped at row 5"):
        read_all(csv.read, content, limits=Limits(problems=4))


def test_going_on_over_quoted_line_ends_and_broken_rows():
    content = "\n".join(  # noqa: FLY002 one row on each line reads best
        ["id,text", '1,"a\r\nb"', "2,é", "", "3", '4,"x"y', '5,"ü\n\n""z"""', "6,caf", '7,"open', "8,end", ""]
    ).encode()
    resume_everywhere(csv.read, content)
    resume_everywhere(functools.partial(csv.read, delimiter=";"), content.replace(b",", b";"))


def test_a_stream_that_cannot_seek_goes_on_too():
    content = b"id,text\n" + b"".join(b'%d,"row\n%d"\n' % (number, number) for number in range(50))
    whole = list(csv.read(io.BytesIO(content)))
    assert list(csv.read(Pipe(content))) == whole
    for row in whole[::7]:
        assert list(csv.read(Pipe(content), Bookmark(row.offset, row.number))) == whole[row.number :]


@pytest.mark.parametrize("step", range(1, 12))
def test_a_line_end_cut_in_two_is_one_line_end(step):
    content = b'id,text\r\n1,a\r\n2,"b\r\n"\r\n\r\n3,c\r\n'
    assert list(csv.read(Pipe(content, step))) == list(csv.read(io.BytesIO(content)))


def test_going_on_after_the_last_row_is_the_end_and_no_error():
    content = b"id\n1\n"
    assert list(csv.read(io.BytesIO(content), Bookmark(len(content), 1))) == []


def test_blocks_cut_rows_anywhere_without_harm():
    content = b"id,text\r\n" + b"".join(b'%d,"%s\r\nend"\r\n' % (n, b"y" * (n % 97)) for n in range(15_000))
    assert len(content) > 3 * BLOCK
    rows, problems = read_all(csv.read, content)
    assert problems == []
    assert [row.payload for row in rows] == [{"id": str(n), "text": "y" * (n % 97) + "\r\nend"} for n in range(15_000)]
    at = rows[9_999]
    assert next(iter(csv.read(io.BytesIO(content), Bookmark(at.offset, at.number)))) == rows[10_000]
