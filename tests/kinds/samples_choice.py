"""Samples of the room of choices."""

from tests.kinds.sample import Sample


def _choice(names, **more):
    labels = [{"name": name, "definition": f"what {name} means", "examples": ["one"]} for name in names]
    return {"media": "text", "field": "text", "question": "Which?", "labels": labels, **more}


SAMPLES = [
    Sample(
        "choice",
        _choice(["cat", "dog", "bird"]),
        {"text": "it barks"},
        (({"category": {"label": "dog"}}, "dog"), ({"category": {"label": "cat"}}, "cat")),
    ),
    Sample(
        "choice",
        _choice(["cat | dog", "ünï cödé", "no"], media="image", field="_image"),
        {"_image": "images/ab/abcd.png", "name": "a.png"},
        (({"category": {"label": "cat | dog"}}, "cat | dog"), ({"category": {"label": "no"}}, "no")),
    ),
    Sample(
        "choice",
        _choice(["yes", "no", "fish"], many=True),
        {"text": 5},
        (
            ({"category": {"labels": ["yes", "fish"]}}, "yes|fish"),
            ({"category": {"labels": []}}, ""),
            ({"category": {"labels": ["no", "no"]}}, "no"),
        ),
    ),
]
