"""The rooms of texts, recordings and judgements: what they refuse, compare and agree on."""

import pytest

from broker.annotation.kind import Vote
from broker.annotation.tokens import words
from broker.errors import Invalid
from broker.kinds.registry import furnish
from tests.kinds.samples_texts import ADA, SAMPLES


def room(kind, **more):
    sample = next(one for one in SAMPLES if one.kind == kind)
    return furnish(kind, {**sample.settings, **more}), sample.item


def marks(*spans):
    return {"annotation": {"entities": [{"startOffset": a, "endOffset": b, "label": label} for a, b, label in spans]}}


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("spans", {"labels": []}, "labels"),
        ("relations", {"relations": ["in", "in"]}, "'in' stands there twice"),
        ("rating", {"least": 5, "most": 1}, "not below"),
        ("rating", {"form": "scale", "most": 100}, "at most 11"),
        ("rating", {"form": "number", "step": 1e-9}, "steps"),
        ("rating", {"most": float("nan")}, "most"),
        ("text", {"least": 10, "most": 5}, "10 is more than 5"),
        ("pairs", {"other": "one"}, "the column of the first one"),
        ("events", {"media": "image"}, "media"),
    ],
)
def test_wrong_settings_are_refused_by_name(kind, settings, told):
    with pytest.raises(Invalid, match=told):
        room(kind, **settings)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (marks((0, 99, "person")), "99 is not within 0 and 64"),
        (marks((5, 5, "person")), "not after its start"),
        (marks((0, 5, "ghost")), "'ghost' is none of the labels"),
        (marks((0, 12, "person"), (4, 15, "person")), "0–12 and 4–15 overlap"),
        (marks((0.5, 12, "person")), "no whole number"),
    ],
)
def test_spans_lie_in_their_text_and_stay_apart(raw, told):
    spans, item = room("spans")
    assert len(ADA) == 64
    with pytest.raises(Invalid, match=told):
        spans.parse(raw, item)


def test_gold_may_be_written_as_a_list_alone():
    spans, _ = room("spans")
    listed = '[{"startOffset": 0, "endOffset": 12, "label": "person"}]'
    assert spans.read(listed) == spans.read(f'{{"entities": {listed}}}') == spans.parse(marks((0, 12, "person")), {})


def test_offsets_count_the_line_ends_that_a_page_has():
    spans, _ = room("spans")
    assert spans.task_input({"text": "a\r\nb"})["value"] == "a\nb"
    with pytest.raises(Invalid, match="4 is not within"):
        spans.parse(marks((2, 4, "person")), {"text": "a\r\nb"})


def test_words_are_cut_alike_for_everybody():
    assert list(words("Ada's 3.5 km—ok? 👍🏽")) == ["Ada's", "3.5", "km", "—", "ok", "?", "👍🏽"]
    assert list(words("नमस्ते दुनिया")) == ["नमस्ते", "दुनिया"]


def test_tokens_of_another_text_are_refused():
    tokens, item = room("tokens")
    first = SAMPLES[2].answers[0][0]["annotation"]["tokens"]
    with pytest.raises(Invalid, match="not the tokens of the text"):
        tokens.parse({"annotation": {"tokens": first[:-1]}}, item)
    with pytest.raises(Invalid, match="does not stand at"):
        tokens.parse({"annotation": {"tokens": [{**first[0], "text": "Ho"}, *first[1:]]}}, item)


def test_each_token_gets_the_tag_that_most_trust_says():
    tokens, item = room("tokens")
    one, other = (tokens.parse(raw, item) for raw, _ in SAMPLES[2].answers)
    mixed = (*one[:2], *other[2:])
    verdict = tokens.aggregate([Vote(1, one, 0.8), Vote(2, mixed, 0.8), Vote(3, other, 0.8)])
    assert verdict.answer == mixed
    assert 0.6 < verdict.confidence < 1


def test_a_relation_needs_two_entities_that_are_there():
    relations, item = room("relations")
    entities = [{"id": "T1", "startOffset": 0, "endOffset": 3, "label": "person"}]
    for end, told in (("T2", "there is no entity 'T2'"), ("T1", "related to itself")):
        raw = {"annotation": {"entities": entities, "relations": [{"from": "T1", "to": end, "label": "met"}]}}
        with pytest.raises(Invalid, match=told):
            relations.parse(raw, item)


def test_a_mention_stands_in_one_cluster():
    coreference, item = room("coreference")
    mention = {"startOffset": 0, "endOffset": 3}
    with pytest.raises(Invalid, match="stands in two clusters"):
        coreference.parse({"annotation": {"clusters": [[mention], [mention]]}}, item)


def test_segments_get_the_words_that_win_at_the_times_of_the_best_one():
    transcription, _ = room("transcription", segments=True, speakers=[])

    def said(*texts):
        listed = [{"start": at, "end": at + 1, "text": text} for at, text in enumerate(texts)]
        return transcription.parse({"annotation": {"segments": listed}}, {})

    votes = [said("how are you", "fine thanks"), said("how are you", "fine thank"), said("how are", "nine thanks")]
    answer = transcription.aggregate([Vote(at, one, 0.8) for at, one in enumerate(votes)]).answer
    assert [one.text for one in answer.segments] == ["how are you", "fine thanks"]
    assert answer.text == "how are you fine thanks"


def test_events_are_measured_by_the_median():
    events, _ = room("events")

    def seen(start, end):
        return events.parse({"annotation": {"events": [{"label": "goal", "start": start, "end": end}]}}, {})

    votes = [Vote(at, seen(*one), 0.8) for at, one in enumerate([(1, 5), (1.2, 5.1), (1.1, 9)])]
    assert [tuple(one) for one in events.aggregate(votes).answer.events] == [(1.1, 5.1, "goal")]


def test_half_of_the_pairs_are_shown_the_other_way_round_and_always_the_same():
    pairs, _ = room("pairs")
    swapped = [pairs.task_input({"one": f"text {at}", "two": "other"})["swap"] for at in range(200)]
    assert 70 < sum(swapped) < 130
    assert swapped == [pairs.task_input({"one": f"text {at}", "two": "other"})["swap"] for at in range(200)]


def test_a_number_between_two_steps_is_refused():
    rating, _ = room("rating", form="slider", least=0, most=1, step=0.25)
    assert rating.read("0.75") == 0.75
    for wrong in ("0.3", "1.25", "nan", "much"):
        with pytest.raises(Invalid):
            rating.read(wrong)


def test_the_median_of_trust_is_the_rating():
    rating, _ = room("rating")
    assert rating.aggregate([Vote(1, 2.0, 0.8), Vote(2, 3.0, 0.8), Vote(3, 10.0, 0.8)]).answer == 3
    assert rating.aggregate([Vote(1, 2.0, 0.95), Vote(2, 9.0, 0.5), Vote(3, 10.0, 0.5)]).answer == 2


def test_a_ranking_ranks_the_things_of_its_item():
    ranking, item = room("ranking")
    with pytest.raises(Invalid, match="not the things of the item"):
        ranking.parse({"ranking": {"ranking": ["tea", "milk"]}}, item)
    with pytest.raises(Invalid, match="2 to 50 different things"):
        ranking.task_input({"things": "tea|tea"})


def test_of_texts_the_one_most_like_the_others_is_taken():
    text, _ = room("text")
    answers = ["The cat is sweet.", "The cat is very sweet.", "asdf asdf", "The cat is sweet!"]
    assert "sweet" in text.aggregate([Vote(at, one, 0.8) for at, one in enumerate(answers)]).answer
    assert text.aggregate([Vote(1, "one", 0.9), Vote(2, "other", 0.4)]).answer == "one"
