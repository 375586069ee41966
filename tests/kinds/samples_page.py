"""Samples of custom pages: fields of any JSON, and a QuestionForm whose constraints hold on the server."""

from tests.formats.questionforms import FORM
from tests.kinds.sample import Sample

FORM_FIELDS = [
    "Tone | choice | calm, angry",
    {"label": "Topics", "sort": "many", "choices": ["price", "delivery", "staff"]},
    "Polite? | yes",
    "How sure? | rating | 1 to 5",
    "Year | number? | 1900 to 2100",
    "Why? | long?",
]
FORM_ANSWER = {"Tone": "calm", "Topics": ["price", "staff"], "Polite?": True, "How sure?": 4}
SAMPLES = [
    Sample(
        "form",
        {"media": "text", "field": "text", "question": "Look at this message.", "fields": FORM_FIELDS},
        {"text": "it barks"},
        (
            (
                {"fields": {**FORM_ANSWER, "Topics": ["staff", "price"], "Why?": " says so "}},
                '{"fields":{"How sure?":4,"Polite?":true,"Tone":"calm","Topics":["price","staff"],"Why?":"says so"}}',
            ),
            (
                {"fields": {**FORM_ANSWER, "Tone": "angry", "Topics": [], "Year": 1984.0, "Why?": " "}},
                '{"fields":{"How sure?":4,"Polite?":true,"Tone":"angry","Topics":[],"Year":1984}}',
            ),
        ),
    ),
    Sample(
        "form",
        {"media": "text", "field": "text", "question": "Yes or no?", "fields": ["Polite? | yes", "Has | many | a, b"]},
        {"text": "it barks"},
        (({"fields": {"Polite?": False, "Has": ["b"]}}, '{"fields":{"Has":["b"],"Polite?":false}}'),),
    ),
    Sample(
        "form",
        {
            "media": "image",
            "field": "_image",
            "question": "?",
            "fields": ["Top | choice | a, b", "End | choice | a, b"],
        },
        {"_image": "images/ab/abcd.png"},
        (({"fields": {"Top": "a", "End": "b"}}, '{"fields":{"End":"b","Top":"a"}}'),),
    ),
    Sample(
        "page",
        {"template": "<crowd-form><crowd-input name='{{ task.input.text }}'></crowd-input></crowd-form>"},
        {"text": "it barks"},
        (
            ({"kind": {"label": "dog"}, "legs": 4}, '{"kind":{"label":"dog"},"legs":4}'),
            ({"legs": 2.0, "kind": {"label": "bird"}}, '{"kind":{"label":"bird"},"legs":2}'),
            ({"legs": 3.5, "note": "lost a | leg", "seen": True}, '{"legs":3.5,"note":"lost a | leg","seen":true}'),
        ),
    ),
    Sample(
        "page",
        {"template": ""},
        {"_question": {"sort": "form", "content": FORM}},
        (
            ({"age": "41", "pets": ["cat"]}, '{"age":"41","pets":["cat"]}'),
            ({"age": "7", "pets": ["cat", "dog"]}, '{"age":"7","pets":["cat","dog"]}'),
        ),
    ),
]
