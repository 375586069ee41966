"""DELIVER: what a job has brought, as its requester takes it home: their own data beside consensus and answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broker.annotation.kind import Json, Kind
from broker.annotation.labelled import Labelled
from broker.errors import NotFound
from broker.kinds.registry import furnish
from broker.rules.split import Split, stratum
from broker.store import beliefs, jobs, results
from broker.store.beliefs import Aggregation
from broker.store.db import Record, Store, Unit
from broker.store.jobs import Job
from broker.store.results import Order, Wish

MODEL = "dawid-skene"
BATCH = 500
FILES = ("_image", "_audio", "_video")
OURS = ("gold", "consensus", "confidence", "undecided", "answers", "workers")


@dataclass(frozen=True)
class Result:
    """One item with what is believed of it, in words; `answers` are (worker's public id, answer, seconds).

    `undecided`: it gets no more answers, and its plan never became sure of it.
    """

    row: int
    payload: dict[str, Any]
    gold: str | None
    consensus: str | None
    answer: Json | None
    confidence: float | None
    undecided: bool
    answers: tuple[tuple[str, str, float | None], ...]


def chosen(unit: Unit, job: Job, version: int | None = None) -> Aggregation | None:
    """The aggregation of this version; by default the latest of the best model, if there is any. Raises NotFound."""
    if version is None:
        return beliefs.latest(unit, job.id, MODEL) or beliefs.latest(unit, job.id)
    found = next((one for one in beliefs.versions(unit, job.id) if one.version == version), None)
    if found is None:
        raise NotFound(f"There is no version {version} of these results.")
    return found


def page(unit: Unit, job: Job, wish: Wish) -> list[Result]:
    """Some of the job's items, as wished."""
    room: Kind[Any] = furnish(job.kind, job.settings)
    rows = results.items(unit, job.id, wish)
    answers = results.answers(unit, [row.id for row in rows])
    return [_result(room, row, answers.get(row.id, [])) for row in rows]


def _result(room: Kind[Any], row: Record, answers: list[Record]) -> Result:
    def said(raw: Any) -> str | None:
        return None if raw is None else room.brief(room.parse(raw, row.payload))

    each = tuple((one.public_id, said(one.answer) or "", one.seconds) for one in answers)
    sure, undecided = row.confidence, bool(row.undecided)
    return Result(row.row, row.payload, said(row.gold), said(row.answer), row.answer, sure, undecided, each)


def columns(job: Job) -> list[str]:
    """The names of the file's columns: the row, the requester's own, then ours."""
    names = _names(job)
    return [names["row"], *_own(job), *(names[name] for name in OURS)]


def _own(job: Job) -> list[str]:
    return [name for name in job.columns if not name.startswith("_")]


def _names(job: Job) -> dict[str, str]:
    """Our columns' names; one that the requester's data has too gets a _ behind it."""
    taken, names = set(_own(job)), {}
    for name in ("row", *OURS):
        free = name
        while free in taken:
            free += "_"
        names[name] = free
    return names


def rows(store: Store, job_id: int, requester_id: int, version: int | None) -> Iterator[dict[str, Any]]:
    """All items of the job in file order, as lines of a table. Raises NotFound."""
    with store.read() as unit:
        job = jobs.own_job(unit, job_id, requester_id)
    names, own = _names(job), _own(job)
    return (_line(one, own, names) for one in _results(store, job, version))


def labelled(
    store: Store, job: Job, version: int | None, split: Split | None = None, *, unanswered: bool = True
) -> Iterator[Labelled]:
    """All items of the job in file order, as formats of files take them; without those that have no consensus unless
    they may be `unanswered`. Raises NotFound.
    """
    room: Kind[Any] = furnish(job.kind, job.settings)
    names, own, labels = _names(job), _own(job), label_names(job)
    draw, field = split.draw() if split else None, str(job.settings.get("field", ""))
    for one in _results(store, job, version):
        if one.answer is None and not unanswered:
            continue
        share = draw.next(stratum(one.answer, labels)) if draw else ""
        yield Labelled(
            one.row,
            _name(one),
            one.payload,
            one.answer,
            one.confidence,
            _size(one.payload, field),
            str(one.payload.get(field, "")) if job.settings.get("media") == "text" else "",
            share,
            _line(one, own, names),
            room.facts(one.payload),
        )


def label_names(job: Job) -> list[str]:
    """The names of the kind's labels in the order of its settings; empty for kinds that have none."""
    return [str(one["name"]) for one in job.settings.get("labels", ())]


def _name(result: Result) -> str:
    """The name of the item's file, which is unique in its upload; else the number of its row."""
    has_file = any(column in result.payload for column in FILES)
    return str(result.payload["name"]) if has_file and result.payload.get("name") else str(result.row)


def _size(payload: Json, field: str) -> tuple[int, int] | None:
    """Width and height of the item's image, as its import has found them."""
    media = payload.get("_media", {})
    known = media.get(field) or next(iter(media.values()), payload)
    return (known["width"], known["height"]) if known.get("width") and known.get("height") else None


def _results(store: Store, job: Job, version: int | None) -> Iterator[Result]:
    """All items of the job in file order, read a few hundred at a time. Raises NotFound."""
    with store.read() as unit:
        aggregation = chosen(unit, job, version)
    after = 0
    while True:
        wish = Wish(aggregation.id if aggregation else None, order=Order.ROW, after=(0, after), limit=BATCH)
        with store.read() as unit:
            found = page(unit, job, wish)
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1].row


def _line(result: Result, own: list[str], names: dict[str, str]) -> dict[str, Any]:
    ours = {
        "row": result.row,
        "gold": result.gold,
        "consensus": result.consensus,
        "confidence": None if result.confidence is None else round(result.confidence, 6),
        "undecided": result.undecided,
        "answers": [answer for _, answer, _ in result.answers],
        "workers": [worker for worker, _, _ in result.answers],
    }
    line = {names["row"]: ours["row"]} | {name: result.payload.get(name) for name in own}
    return line | {names[name]: ours[name] for name in OURS}
