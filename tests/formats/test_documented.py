"""The files that docs/written-kinds.md shows are what the writers write."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from broker.annotation.labelled import Labelled
from broker.annotation.tokens import tokens
from broker.formats.export import EXPORTS

SHOWN = dict(
    re.findall(
        r"^```(\w+)\n(.*?)^```$",
        (Path(__file__).parents[2] / "docs" / "written-kinds.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)
TEXT = "Ada met Bo.\nShe liked him."
TAGS = ("PROPN", "VERB", "PROPN", "PUNCT")
ENTITIES = {"entities": [{"startOffset": at, "endOffset": to, "label": "person"} for at, to in ((0, 3), (8, 10))]}
TAGGED = {
    "tokens": [
        {"startOffset": start, "endOffset": end, "text": TEXT[start:end], "tag": tag}
        for (start, end), tag in zip(tokens(TEXT)[:4], TAGS, strict=True)
    ]
}
CLUSTERS = {
    "clusters": [
        [{"startOffset": start, "endOffset": end} for start, end in one]
        for one in (((0, 3), (12, 15)), ((8, 10), (22, 25)))
    ]
}
SPOKEN = {
    "text": "Good morning. Hello!",
    "segments": [
        {"start": 0.5, "end": 1.8, "text": "Good morning.", "speaker": "Host"},
        {"start": 2.0, "end": 2.75, "text": "Hello!", "speaker": "Guest"},
    ],
}
ORDERS = [{"ranking": {"ranking": order}} for order in (["tea", "milk", "cola"], ["tea", "cola", "milk"])]


@pytest.mark.parametrize(
    ("shown", "form", "answers"),
    [
        ("conll2003", "conll2003", [{"annotation": ENTITIES}]),
        ("conllu", "conllu", [{"annotation": TAGGED}]),
        ("corefud", "conllu", [{"annotation": CLUSTERS}]),
        ("webvtt", "webvtt", [{"annotation": SPOKEN}]),
        ("srt", "srt", [{"annotation": SPOKEN}]),
        ("strengths", "bradley", ORDERS),
    ],
)
def test_a_file_that_is_shown_is_what_is_written(shown, form, answers):
    file = io.BytesIO()
    items = [Labelled(row, "letter", {}, answer, 0.9, text=TEXT) for row, answer in enumerate(answers, 1)]
    EXPORTS[form].write(iter(items), TAGS, file)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            (name,) = archive.namelist()
            written = archive.read(name).decode()
    else:
        written = file.getvalue().decode().replace("\r\n", "\n")
    assert written.strip() == SHOWN[shown].strip()
