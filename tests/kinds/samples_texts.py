"""Samples of the rooms of texts, recordings and judgements."""

import json

from tests.kinds.sample import Sample

ADA = "Ada Lovelace met Charles Babbage in London 👩‍💻. She admired him."
FILM = "films/ab/abcd.mp4"
SOUND = "sounds/ab/abcd.mp3"


def _asked(*names, **more):
    settings = {"media": "text", "field": "text", "question": "What is it?", **more}
    return (
        settings | {"labels": [{"name": name, "definition": f"what {name} means"} for name in names]}
        if names
        else settings
    )


def _answer(raw, written=None):
    return raw, json.dumps(
        raw if written is None else written, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def _span(start, end, label):
    return {"startOffset": start, "endOffset": end, "label": label}


def _entities(*spans):
    return {"annotation": {"entities": [_span(*one) for one in spans]}}


def _tags(text, tags, cut):
    listed = [
        {"startOffset": start, "endOffset": end, "text": text[start:end], "tag": tag}
        for (start, end), tag in zip(cut, tags, strict=True)
    ]
    return {"annotation": {"tokens": listed}}


def _graph(entities, *links):
    listed = [{"id": f"T{at}", **_span(*one)} for at, one in enumerate(entities, 1)]
    return {
        "annotation": {
            "entities": listed,
            "relations": [{"from": one[0], "to": one[1], "label": one[2]} for one in links],
        }
    }


def _clusters(*clusters):
    listed = [[{"startOffset": start, "endOffset": end} for start, end in cluster] for cluster in clusters]
    return {"annotation": {"clusters": listed}}


def _events(*events, **more):
    listed = [{"label": label, "start": start, "end": end} for label, start, end in events]
    return {"annotation": {"events": listed, **more}}


def _segments(*segments, text=""):
    listed = [{"start": start, "end": end, "text": said, "speaker": who} for start, end, said, who in segments]
    return {"annotation": {"text": text, "segments": listed}}


PEOPLE = [(0, 12, "person"), (17, 32, "person"), (36, 42, "place")]
DURATION = {"inputMediaProperties": {"duration": 60.04}}
HI = "Hi you 👋🏽."
CUT = [(0, 2), (3, 6), (7, 9), (9, 10)]

SAMPLES = [
    Sample(
        "spans",
        _asked("person", "place", apart=True),
        {"text": ADA},
        (
            _answer(_entities(*PEOPLE)),
            _answer(_entities(PEOPLE[2], PEOPLE[0], PEOPLE[0]), _entities(PEOPLE[0], PEOPLE[2])),
            _answer(_entities((0, 3, "person"), (4, 12, "place"))),
            _answer(_entities()),
        ),
    ),
    Sample(
        "spans",
        _asked("person", "group", apart=False),
        {"text": ADA},
        (
            _answer(_entities((0, 12, "group"), (0, 12, "person"), (4, 12, "person"))),
            _answer(_entities((0, 32, "group"), (17, 32, "person"))),
            _answer(_entities((43, 46, "group"))),
        ),
    ),
    Sample(
        "tokens",
        _asked("NOUN", "VERB", "X"),
        {"text": HI},
        (
            _answer(_tags(HI, ["X", "NOUN", "X", "X"], CUT)),
            _answer(_tags(HI, ["VERB", "VERB", "X", "NOUN"], CUT)),
        ),
    ),
    Sample(
        "tokens",
        _asked("NOUN", "VERB", optional=True, tokens="words"),
        {"text": "don't go", "words": ["do", "n't", "go"]},
        (
            _answer(_tags("don't go", [None, "NOUN", "VERB"], [(0, 2), (2, 5), (6, 8)])),
            _answer(_tags("don't go", ["VERB", None, "VERB"], [(0, 2), (2, 5), (6, 8)])),
        ),
    ),
    Sample(
        "relations",
        _asked("person", "place", relations=["met", "knew"]),
        {"text": ADA},
        (
            _answer(_graph(PEOPLE, ("T1", "T2", "met"), ("T2", "T1", "knew"))),
            _answer(_graph(PEOPLE[:2])),
            _answer(_graph(PEOPLE[1::-1], ("T1", "T2", "met")), _graph(PEOPLE[:2], ("T2", "T1", "met"))),
            _answer(_graph([])),
        ),
    ),
    Sample(
        "relations",
        _asked("person", "place", relations=["in"], entities="marks"),
        {"text": ADA, "marks": json.dumps([_span(*one) for one in PEOPLE])},
        (
            _answer(_graph(PEOPLE, ("T1", "T3", "in"))),
            _answer(_graph(PEOPLE, ("T2", "T3", "in"))),
            _answer(_graph(PEOPLE)),
        ),
    ),
    Sample(
        "coreference",
        _asked(mentions="marks"),
        {"text": ADA, "marks": [{"startOffset": 0, "endOffset": 12}]},
        (
            _answer(_clusters([(0, 12), (48, 51)], [(17, 32), (60, 63)])),
            _answer(
                _clusters([(60, 63), (17, 32), (0, 12)], [(48, 51)]),
                _clusters([(0, 12), (17, 32), (60, 63)], [(48, 51)]),
            ),
            _answer(_clusters([(0, 12)])),
            _answer(_clusters()),
        ),
    ),
    Sample(
        "text",
        _asked(least=2, most=100),
        {"text": "猫はかわいい。"},
        (
            ({"text": "Cats are cute. "}, "Cats are cute."),
            ({"text": "The cat\r\nis lovely 😺"}, "The cat\nis lovely 😺"),
            ({"text": "no"}, "no"),
        ),
    ),
    Sample(
        "transcription",
        _asked(media="audio", field="_audio", segments=False),
        {"_audio": SOUND},
        (
            ({"annotation": {"text": " Good  morning, Ada. ", "segments": [], **DURATION}}, "Good morning, Ada."),
            ({"annotation": {"text": "good morning ada"}}, "good morning ada"),
            ({"annotation": {"text": "God mourning"}}, "God mourning"),
            ({"annotation": {"text": ""}}, ""),
        ),
    ),
    Sample(
        "transcription",
        _asked(media="audio", field="_audio", segments=True, speakers=["A", "B"]),
        {"_audio": SOUND},
        (
            _answer(
                _segments((2.5, 4, "Fine, thanks.", "B"), (0.7054, 2.114, "How are you?", "A"), text="whatever"),
                _segments(
                    (0.705, 2.114, "How are you?", "A"),
                    (2.5, 4.0, "Fine, thanks.", "B"),
                    text="How are you? Fine, thanks.",
                ),
            ),
            _answer(_segments((0.5, 4.5, "How are you? Fine, thanks.", "A"), text="How are you? Fine, thanks.")),
            _answer(_segments((1.0, 2.0, "", "B"), (3.0, 4.0, "fine", "B"), text="fine")),
            _answer(_segments()),
        ),
    ),
    Sample(
        "events",
        _asked("goal", "foul", media="video", field="_video"),
        {"_video": FILM},
        (
            _answer(_events(("goal", 12.48, 15.2), ("foul", 14.0, 20.5), **DURATION)),
            _answer(_events(("goal", 12.0, 15.5))),
            _answer(
                _events(("foul", 30.0, 31.0), ("goal", 1.0004, 2.0)), _events(("goal", 1.0, 2.0), ("foul", 30.0, 31.0))
            ),
            _answer(_events()),
        ),
    ),
    Sample(
        "pairs",
        _asked(field="one", other="two", tie=True),
        {"one": "It is so.", "two": "It is not so."},
        (({"pair": {"choice": "a"}}, "a"), ({"pair": {"choice": "tie"}}, "tie"), ({"pair": {"choice": "b"}}, "b")),
    ),
    Sample(
        "ranking",
        _asked(field="things"),
        {"things": "tea | coffee | milk"},
        (
            _answer({"ranking": {"ranking": ["milk", "tea", "coffee"]}}),
            _answer({"ranking": {"ranking": ["tea", "coffee", "milk"]}}),
            _answer({"ranking": {"ranking": ["coffee", "milk", "tea"]}}),
        ),
    ),
    Sample(
        "rating",
        _asked(form="scale", least=0, most=10, low="bad", high="good"),
        {"text": "I liked it."},
        (({"rating": {"rating": 7}}, "7"), ({"rating": {"rating": 0}}, "0"), ({"rating": {"rating": 10.0}}, "10")),
    ),
    Sample(
        "rating",
        _asked(form="slider", media="image", field="_image", least=-1, most=1, step=0.1),
        {"_image": "images/ab/abcd.png"},
        (({"rating": 0.3}, "0.3"), ({"rating": -1}, "-1"), ({"rating": 0.30000000000000004}, "0.3")),
    ),
    Sample(
        "rating",
        _asked(form="number", least=0, most=1000),
        {"text": "How many sheep?"},
        (({"rating": "12"}, "12"), ({"rating": " 1e2 "}, "100"), ({"rating": "999"}, "999")),
    ),
]
