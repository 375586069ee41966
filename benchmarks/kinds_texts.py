"""How near the consensus on spans, transcripts, translations and pairs comes to the truth, on answers of real people.

`run(folder)` gives for each set the mean score of its `consensus`, of a `single` worker, and of the `baseline`: what
crowd-kit makes of the same answers by default, where it has something, else what the room's default would be. Sets that
are not there are left out. Nothing here knows the truth but the score.
"""

import csv
import json
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import ROVER, TextRASA
from nltk.translate.chrf_score import sentence_chrf
from rapidfuzz.distance import Levenshtein
from sklearn.feature_extraction.text import TfidfVectorizer

from broker.annotation.kind import Kind
from broker.annotation.weigh import Given, weigh
from broker.kinds.registry import furnish
from broker.truth.adaptive import fit
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.stopping import Rule
from broker.truth.wording import spoken

ASKED = {"field": "text", "question": "?"}
Votes = Mapping[str, Mapping[str, Any]]
"""task -> worker -> answer of the room"""
Score = Callable[[Any, Any], float]


def run(folder: Path) -> dict[str, dict[str, float]]:
    """{set: {consensus, single, baseline}} of the sets in the folder."""
    sets = {
        "spans/ner_conll": _spans,
        "transcription/speech_dev_other": _transcripts,
        "translation/translate_t1": _translations,
        "pairwise/convarg": _pairs,
    }
    return {name: act(folder / name) for name, act in sets.items() if (folder / name).is_dir()}


def _spans(folder: Path) -> dict[str, float]:
    """F1 of exact spans per document; the baseline is the marks that more than half of the workers made."""
    room = furnish(
        "spans", {**ASKED, "labels": [{"name": name} for name in ("PER", "LOC", "ORG", "MISC")], "apart": False}
    )

    def read(text: str) -> Any:
        marks = [
            {"startOffset": one[0], "endOffset": one[1], "label": one[2]} for one in json.loads(text) if one[0] < one[1]
        ]
        return room.parse({"annotation": {"entities": marks}}, {})

    def f1(one: Any, truth: Any) -> float:
        return 2 * len(set(one) & set(truth)) / (len(one) + len(truth)) if one or truth else 1.0

    def majority(votes: Votes) -> dict[str, Any]:
        return {
            task: [mark for mark in {mark for one in given.values() for mark in one} if _half(mark, given)]
            for task, given in votes.items()
        }

    apart = furnish("spans", {**ASKED, "labels": [{"name": name} for name in ("PER", "LOC", "ORG", "MISC")]})
    return _scored(apart, *_read(folder, read), f1, majority)


def _half(mark: Any, given: Mapping[str, Any]) -> bool:
    return sum(mark in one for one in given.values()) > len(given) / 2


def _transcripts(folder: Path) -> dict[str, float]:
    """1 - WER of words without case and punctuation, at least 0; the baseline is crowd-kit's ROVER of these words."""
    room = furnish("transcription", {**ASKED, "media": "audio"})

    def right(one: Any, truth: Any) -> float:
        words = spoken(truth.text)
        return max(0.0, 1 - Levenshtein.distance(spoken(one if isinstance(one, str) else one.text), words) / len(words))

    def rover(votes: Votes) -> dict[str, Any]:
        table = _table({task: {worker: one.text for worker, one in given.items()} for task, given in votes.items()})
        return dict(ROVER(tokenizer=spoken, detokenizer=" ".join, silent=True).fit_predict(table))

    return _scored(room, *_read(folder, room.read), right, rover)


def _translations(folder: Path) -> dict[str, float]:
    """The chrF of nltk to one reference translation, in lower case; the baseline is TextRASA over TF-IDF of characters.

    The set is small: differences below 0.02 may be chance.
    """
    room = furnish("text", {**ASKED, "media": "text"})

    def near(one: Any, truth: Any) -> float:
        # The references stand in tokens, with blanks before apostrophes.
        return sentence_chrf(truth.lower().replace(" '", "'"), one.lower())

    def rasa(votes: Votes) -> dict[str, Any]:
        table = _table(votes)
        space = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4)).fit(table["text"])
        return dict(TextRASA(encoder=lambda text: space.transform([text]).toarray()[0]).fit_predict(table, None))

    return _scored(room, *_read(folder, room.read), near, rasa)


def _pairs(folder: Path) -> dict[str, float]:
    """The share of right choices; the baseline is the majority vote. The truth comes from MACE over these answers."""
    room = furnish("pairs", {**ASKED, "media": "text", "other": "other", "tie": True})
    codes = {"a1": "a", "a2": "b", "equal": "tie"}
    votes, truths = _read(folder, lambda text: codes[text])
    rows = [(task, worker, one) for task, given in votes.items() for worker, one in given.items()]
    answers = Answers.from_columns(*map(list, zip(*rows, strict=True)), label_names=room.options())  # type: ignore[attr-defined]
    unknown = np.full(answers.n_items, UNKNOWN, dtype=np.int32)
    found = {
        model: dict(
            zip(answers.items, (answers.labels[code] for code in fit(answers, unknown, model).labels), strict=True)
        )
        for model in ("dawid-skene", "majority")
    }
    return {
        "consensus": fmean(found["dawid-skene"][task] == truth for task, truth in truths.items()),
        "single": fmean(one == truths[task] for task, _, one in rows if task in truths),
        "baseline": fmean(found["majority"][task] == truth for task, truth in truths.items()),
    }


def _scored(
    room: Kind[Any],
    votes: Votes,
    truths: Mapping[str, Any],
    score: Score,
    baseline: Callable[[Votes], Mapping[str, Any]],
) -> dict[str, float]:
    tasks = [task for task in votes if task in truths]
    workers = {worker: code for code, worker in enumerate(sorted({one for given in votes.values() for one in given}))}
    given = [Given(hit, workers[worker], one) for hit, task in enumerate(votes) for worker, one in votes[task].items()]
    found = weigh(room, given, Rule(1, 1, 0.95), ended=True)
    consensus = {task: verdict.answer for task, verdict in zip(votes, found.verdicts, strict=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit calls much of what pandas announces to remove
        theirs = baseline(votes)
    return {
        "consensus": fmean(score(consensus[task], truths[task]) for task in tasks),
        "single": fmean(score(one, truths[task]) for task in tasks for one in votes[task].values()),
        "baseline": fmean(score(theirs[task], truths[task]) for task in tasks),
    }


def _read(folder: Path, read: Callable[[str], Any]) -> tuple[Votes, Mapping[str, Any]]:
    votes: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in _rows(folder / "answers.csv"):
        if row["label"].strip():  # nobody could submit nothing
            votes[row["task"]][row["worker"]] = read(row["label"])
    return votes, {row["task"]: read(row["truth"]) for row in _rows(folder / "truth.csv")}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _table(votes: Votes) -> pd.DataFrame:
    rows = [(task, worker, one) for task, given in votes.items() for worker, one in given.items()]
    return pd.DataFrame(rows, columns=["task", "worker", "text"])
