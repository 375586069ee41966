"""The laws that every room of the registry keeps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.annotation.cells import Cells
from broker.annotation.kind import TABLES, Vote
from broker.annotation.showing import plain
from broker.errors import Invalid
from broker.formats.export import EXPORTS
from broker.kinds.registry import ROOMS, columns, furnish
from tests.kinds.samples import JSON, SAMPLES, damaged, outcome

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[f"{one.kind}{at}" for at, one in enumerate(SAMPLES)])


def room_of(sample):
    return furnish(sample.kind, sample.settings)


def answers_of(sample):
    """Answers of all sorts: any labels at the room's places, or the written examples where it has no places."""
    room = room_of(sample)
    if isinstance(room, Cells):
        return st.fixed_dictionaries(dict.fromkeys(room.places(), st.sampled_from(room.options()))).map(room.join)
    return st.sampled_from([room.parse(raw, sample.item) for raw, _ in sample.answers])


def test_every_room_has_samples():
    assert {sample.kind for sample in SAMPLES} == set(ROOMS)


def test_a_kind_that_is_none_is_refused_by_name():
    with pytest.raises(Invalid, match="'chioce' is none of"):
        furnish("chioce", {})


@every_sample
def test_the_examples_are_read_and_shown_as_written(sample):
    room = room_of(sample)
    for raw, text in sample.answers:
        answer = room.parse(raw, sample.item)
        assert room.show(answer) == text
        assert room.read(f"  {text} ") == answer


@every_sample
@given(data=st.data())
def test_an_answer_survives_its_json_and_its_cell(sample, data):
    room, answer = room_of(sample), data.draw(answers_of(sample))
    assert room.parse(json.loads(json.dumps(room.dump(answer))), sample.item) == answer
    assert room.read(room.show(answer)) == answer
    assert hash(answer) == hash(room.parse(room.dump(answer), sample.item))


@every_sample
@given(data=st.data())
def test_likeness_is_symmetric_within_0_and_1_and_1_for_itself(sample, data):
    room, one, other = room_of(sample), data.draw(answers_of(sample)), data.draw(answers_of(sample))
    likeness = room.likeness(one, other)
    assert 0 <= likeness <= 1
    assert likeness == room.likeness(other, one)
    assert room.likeness(one, one) == 1
    assert 0 <= room.grade(one, other) <= 1
    assert room.grade(one, one) == 1


@every_sample
@given(data=st.data())
def test_cells_fall_apart_and_come_together(sample, data):
    room = room_of(sample)
    if not isinstance(room, Cells):
        return
    answer = data.draw(answers_of(sample))
    parts = room.split(answer)
    assert room.join(parts) == answer
    assert list(parts) == list(room.places())
    assert set(parts.values()) <= set(room.options())


@every_sample
@given(data=st.data())
def test_any_json_is_an_answer_or_invalid(sample, data):
    room = room_of(sample)
    raw = data.draw(JSON | st.sampled_from(sample.answers).flatmap(lambda pair: damaged(pair[0])))
    answer = outcome(room.parse, raw, sample.item)
    assert isinstance(answer, Invalid) or room.parse(room.dump(answer), sample.item) == answer


@every_sample
@given(text=st.text(max_size=40))
def test_any_cell_is_an_answer_or_invalid(sample, text):
    room = room_of(sample)
    answer = outcome(room.read, text)
    assert isinstance(answer, Invalid) or room.read(room.show(answer)) == answer


@every_sample
@given(data=st.data())
def test_any_settings_furnish_a_room_or_are_invalid(sample, data):
    settings = data.draw(JSON | damaged(sample.settings))
    room = outcome(furnish, sample.kind, settings)
    assert room.problems if isinstance(room, Invalid) else room.name == sample.kind


@every_sample
@given(item=st.dictionaries(st.text(max_size=5) | st.sampled_from(["text", "_image"]), JSON, max_size=4))
def test_an_item_is_shown_or_invalid_and_only_what_is_shown_leaves_the_room(sample, item):
    shown, field = outcome(room_of(sample).task_input, item), sample.settings.get("field")
    if field is None:
        assert isinstance(shown, Invalid) or shown["value"] == ""  # a page of its own, behind the address of a frame
    elif isinstance(shown, Invalid):
        assert any(repr(name) in shown.message for _, name in columns(sample.kind, sample.settings))
    else:
        assert json.loads(json.dumps(shown))["value"] in {str(item[field]), plain(str(item[field]))}


@every_sample
def test_the_page_gets_the_item_and_the_question_but_no_other_column(sample):
    shown = room_of(sample).task_input({**sample.item, "truth": "the secret answer"})
    assert "the secret answer" not in json.dumps(shown)
    assert shown["question"] == sample.settings.get("question", "")
    labels = sample.settings.get("labels", [])
    assert [label["name"] for label in shown["labels"]] == [label["name"] for label in labels]


@every_sample
@given(data=st.data())
def test_the_verdict_is_an_answer_and_unanimity_is_certain(sample, data):
    room = room_of(sample)
    answers = data.draw(st.lists(answers_of(sample), min_size=1, max_size=6))
    verdict = room.aggregate([Vote(number, answer, 0.8) for number, answer in enumerate(answers)])
    assert room.parse(room.dump(verdict.answer), sample.item) == verdict.answer
    assert 0 <= verdict.confidence <= 1
    if len(set(answers)) == 1:
        assert verdict.answer == answers[0]
        assert verdict.confidence == pytest.approx(1)
    agreement = room.agreement([answers, answers])
    assert agreement is None or agreement <= 1


@every_sample
@given(data=st.data())
def test_a_lone_spammer_does_not_win_against_two_careful_workers(sample, data):
    room, good, bad = room_of(sample), data.draw(answers_of(sample)), data.draw(answers_of(sample))
    for spammer in range(3):
        votes = [Vote(place, bad if place == spammer else good, 0.4 if place == spammer else 0.8) for place in range(3)]
        assert room.grade(room.aggregate(votes).answer, good) >= room.grade(room.aggregate(votes).answer, bad)
        assert room.grade(room.aggregate(votes).answer, good) == 1


@every_sample
def test_the_room_names_settings_and_formats_that_there_are(sample):
    room = room_of(sample)
    assert set(room.exports) <= set(EXPORTS)
    assert set(TABLES) <= set(room.exports)
    assert 0 < room.enough <= 1
    asked = {one.name for one in room.controls}
    assert set(sample.settings) <= asked.union(*(offer.settings for offer in room.offers))
