import pytest

from broker.annotation.cells import Cells
from broker.annotation.kind import Vote
from broker.errors import Invalid
from broker.kinds.form import Form


def room(*lines):
    return Form.furnish({"media": "text", "field": "text", "question": "What do you see?", "fields": list(lines)})


def agreed(made, *answers, trust=0.8):
    votes = [Vote(number, made.parse({"fields": one}, {}), trust) for number, one in enumerate(answers)]
    verdict = made.aggregate(votes)
    return made.dump(verdict.answer)["fields"], verdict.confidence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Tone | choice | calm", "two or more different choices"),
        ("Tone | choice | calm, calm", "two or more different choices"),
        ("Tone | colour", "fields.0.sort"),
        ("Sure? | rating", "needs a scale"),
        ("Sure? | rating | 1 to 99", "needs a scale"),
        ("Year | number | 9 to 1", "9 is not below 1"),
        ("Year | number | soon", "'soon' is no range"),
        (" | text", "fields.0.label"),
    ],
)
def test_a_line_that_is_no_question_is_refused(line, said):
    with pytest.raises(Invalid, match=said):
        room(line)


def test_two_questions_of_one_name_are_refused():
    with pytest.raises(Invalid, match="'Why' stands there twice"):
        room("Why | text", "Why | long")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "Tone: must be answered"),
        ({"Tone": "loud"}, "Tone: 'loud' is none of 'calm', 'angry'"),
        ({"Tone": "calm", "Mood": "x"}, "'Mood' is none of the questions"),
        ({"Tone": "calm", "Sure": 9}, "Sure: 9 is not within 1 and 5"),
        ({"Tone": "calm", "Sure": 2.5}, "Sure: 2.5 is no whole number"),
        ({"Tone": "calm", "Polite": "yes"}, "Polite: expected yes or no"),
    ],
)
def test_an_answer_is_checked_field_by_field(answer, said):
    made = room("Tone | choice | calm, angry", "Sure | rating? | 1 to 5", "Polite | yes?")
    with pytest.raises(Invalid, match=said):
        made.parse({"fields": answer}, {})


def test_every_sort_is_agreed_upon_in_its_own_way():
    made = room(
        "Tone | choice | calm, angry", "Has | many | a, b, c", "Year | number", "Sure | rating | 1 to 5", "Why | text?"
    )
    rest = {"Has": ["a"], "Sure": 3}
    found, _ = agreed(
        made,
        {**rest, "Tone": "calm", "Year": 1984, "Why": "the red car"},
        {**rest, "Tone": "calm", "Year": 1985, "Has": ["a", "b"], "Sure": 4, "Why": "a red car"},
        {**rest, "Tone": "angry", "Year": 3000, "Has": ["b"], "Sure": 5, "Why": "no idea"},
    )
    assert found == {"Tone": "calm", "Has": ["a", "b"], "Year": 1985, "Sure": 4, "Why": "the red car"}


def test_an_optional_field_that_few_filled_in_is_left_out():
    made = room("Tone | choice | calm, angry", "Why | text?")
    found, confidence = agreed(made, {"Tone": "calm", "Why": "so"}, {"Tone": "calm"}, {"Tone": "calm"})
    assert found == {"Tone": "calm"}
    assert confidence == pytest.approx((1 + 2 / 3) / 2)


def test_one_who_is_trusted_outweighs_two_who_are_not():
    made = room("Tone | choice | calm, angry", "Why | text?")
    votes = [
        Vote(n, made.parse({"fields": {"Tone": tone}}, {}), trust)
        for n, (tone, trust) in enumerate([("calm", 0.95), ("angry", 0.4), ("angry", 0.4)])
    ]
    assert made.dump(made.aggregate(votes).answer) == {"fields": {"Tone": "calm"}}


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (("Polite | yes", "Has | many | a, b"), ("no", "yes")),
        (("Top | choice | a, b", "End | choice | a, b"), ("a", "b")),
        (("Top | choice | a, b", "End | choice | b, c"), None),
        (("Polite | yes?", "Loud | yes"), None),
        (("Polite | yes", "Why | text"), None),
        (("Polite | yes", "Top | choice | a, b"), None),
        (("A: b | yes", "A | many | b, c"), None),
    ],
)
def test_a_form_falls_apart_into_cells_where_all_its_fields_ask_for_the_same_labels(lines, options):
    made = room(*lines)
    assert (made.options() if isinstance(made, Cells) else None) == options


def test_likeness_is_the_mean_over_the_fields():
    made = room("Tone | choice | calm, angry", "Sure | rating | 1 to 5", "Why | text?", "Has | many | a, b, c")
    one = made.parse({"fields": {"Tone": "calm", "Sure": 1, "Has": ["a"]}}, {})
    other = made.parse({"fields": {"Tone": "calm", "Sure": 3, "Why": "so", "Has": ["a", "b"]}}, {})
    assert made.likeness(one, other) == pytest.approx((1 + 0.5 + 0 + 0.5) / 4)
