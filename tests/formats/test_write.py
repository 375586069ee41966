"""Results as files: quoting, forms, and no formulas."""

import json

import pytest

from broker.formats.write import BLOCK, harmless, write_csv, write_jsonl


def test_csv_is_quoted_by_rfc_4180_and_ends_its_lines_with_both_signs():
    content = b"".join(write_csv([{"a": 'x "y", z', "b": "é\r\nü"}], ["a", "b"]))
    assert content == 'a,b\r\n"x ""y"", z","é\r\nü"\r\n'.encode()


def test_values_have_a_stated_form_in_csv():
    row = {"none": None, "yes": True, "n": -5, "x": -0.5, "list": ["a", 1], "object": {"k": "é"}}
    content = b"".join(write_csv([row], [*row, "missing"])).decode()
    assert content.splitlines()[1] == ',true,-5,-0.5,"[""a"",1]","{""k"":""é""}",'


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-", "+", "--5", "-1,5", "-٣"],
)
def test_what_a_spreadsheet_would_run_gets_a_quote_before_it(text):
    assert harmless(text) == "'" + text
    assert b"".join(write_csv([{text: text}], [text])).decode().count("'" + text) == 2


@pytest.mark.parametrize("text", ["", "cat", "-5", "+5", "-.5", "-5.", "-1.5e-7", "1=1", "a@b.org", "'=1"])
def test_plain_text_and_numbers_stay_as_they_are(text):
    assert harmless(text) == text


def test_both_stream_in_blocks():
    taken = []
    rows = ({"a": "x" * 1_000} for number in range(1_000) if not taken.append(number))
    blocks = write_csv(rows, ["a"])
    assert len(next(blocks)) < 2 * BLOCK
    assert len(taken) < 100
    assert len(list(blocks)) > 10
    assert len(list(write_jsonl({"a": "x" * 1_000} for _ in range(1_000)))) > 10


def test_no_rows_are_a_header_in_csv_and_nothing_in_json_lines():
    assert b"".join(write_csv([], ["a", "b"])) == b"a,b\r\n"
    assert list(write_jsonl([])) == []


def test_json_lines_refuse_nan_and_escape_half_a_surrogate_pair():
    with pytest.raises(ValueError, match="JSON compliant"):
        list(write_jsonl([{"a": float("nan")}]))
    content = b"".join(write_jsonl([{"a": "\ud800é\n"}]))
    assert content == '{"a":"\\ud800é\\n"}\n'.encode()
    assert json.loads(content) == {"a": "\ud800é\n"}
