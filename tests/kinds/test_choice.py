"""The room of choices: what requesters may set, and what it says of a wrong answer."""

import pytest

from broker.errors import Invalid
from broker.kinds.choice import Choice
from tests.services.made import choice


def labels(*names):
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (choice(labels=labels("cat")), "labels"),
        (choice(labels=labels("cat", "cat ")), "'cat' stands there twice"),
        (choice(labels=labels("a|b", "c"), many=True), "separates labels"),
        (choice(labels=labels("", "c")), "labels.0.name"),
        (choice(labels=labels(*map(str, range(101)))), "labels"),
        (choice(media="sound"), "media"),
        (choice(question=" "), "question"),
        (choice(colour="red"), "colour"),
    ],
)
def test_wrong_settings_are_refused_by_name(settings, told):
    with pytest.raises(Invalid, match=told):
        Choice.furnish(settings)


def test_labels_are_kept_in_the_order_of_the_settings_whatever_the_order_of_the_clicks():
    room = Choice.furnish(choice(many=True))
    assert room.parse({"category": {"labels": ["bird", "cat"]}}, {}) == ("cat", "bird")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({}, "category: expected an object, got nothing"),
        ({"category": {"label": "fish"}}, "'fish' is none of the labels 'cat', 'dog', 'bird'"),
        ({"category": {"label": ["cat"]}}, "category.label: expected a text, got a list"),
        ({"category": {"labels": ["cat"]}}, "category.label: expected a text, got nothing"),
        ({"category": {"label": "x" * 10_001}}, "characters are more than"),
    ],
)
def test_a_wrong_answer_is_refused_with_what_is_wrong(raw, told):
    with pytest.raises(Invalid, match=told):
        Choice.furnish(choice()).parse(raw, {})


def test_several_labels_agree_as_far_as_they_overlap():
    room = Choice.furnish(choice(many=True))
    assert room.likeness(("cat", "dog"), ("dog", "bird")) == pytest.approx(1 / 3)
    assert room.likeness((), ()) == 1
    assert room.likeness((), ("cat",)) == 0
