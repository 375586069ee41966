"""Samples of custom pages: fields of any JSON, and a QuestionForm whose constraints hold on the server."""

from tests.formats.questionforms import FORM
from tests.kinds.sample import Sample

SAMPLES = [
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
