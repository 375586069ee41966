"""What a job has brought: item by item in a page, all of it in a file."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from broker.formats import write
from broker.kinds.registry import furnish
from broker.services import deliver
from broker.store import beliefs
from broker.store.results import Order, Wish
from broker.web import drafts
from broker.web.gate import broker, me, need

blueprint = Blueprint("results", __name__, url_prefix="/jobs/<job>")
PAGE = 50
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


def _wish(aggregation: int | None) -> Wish:
    asked = request.args
    order = Order(asked["sort"]) if asked.get("sort") in set(Order) else Order.ROW
    row = asked.get("after", type=drafts.whole)
    after = None if row is None else (asked.get("sure", 0.0, type=float), row)
    return Wish(aggregation, asked.get("label", "")[:200], order, after, limit=PAGE + 1)


@blueprint.get("/results")
@need("requester")
def table(job: str) -> str:
    """Items with consensus, confidence and each answer."""
    version = request.args.get("version", type=drafts.whole)
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        aggregation = deliver.chosen(unit, found, version)
        wish = _wish(aggregation.id if aggregation else None)
        rows = deliver.page(unit, found, wish) if found.kind else []
        versions = beliefs.versions(unit, found.id)
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in {"version", "label", "sort"} and value
    }
    return render_template(
        "requester/results.html",
        job=found,
        id=job,
        rows=rows[:PAGE],
        aggregation=aggregation,
        versions=versions,
        options=_labels(found.kind, found.settings),
        wish=wish,
        first=url_for("results.table", job=job, **kept) if wish.after else None,
        following=_following(job, rows, kept),
        question=kept,
    )


def _labels(kind: str, settings: dict[str, Any]) -> list[str]:
    """The labels to filter by, where the kind has any."""
    furnish(kind, settings)
    return [str(one["name"]) for one in settings.get("labels", ())]


def _following(job: str, rows: list[deliver.Result], kept: dict[str, Any]) -> str | None:
    if len(rows) <= PAGE:
        return None
    last = rows[PAGE - 1]
    return url_for("results.table", job=job, **kept, after=last.row, sure=repr(last.confidence or 0.0))


@blueprint.get("/results.<any(csv, jsonl):sort>")
@need("requester")
def download(job: str, sort: str) -> Response:
    """All results as a file, streamed."""
    version = request.args.get("version", type=drafts.whole)
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        deliver.chosen(unit, found, version)
    rows = deliver.rows(broker().store, found.id, me().id, version)
    blocks: Iterable[bytes] = (
        write.write_jsonl(rows) if sort == "jsonl" else write.write_csv(rows, deliver.columns(found))
    )
    answer = Response(blocks, content_type=TYPES[sort])
    answer.headers["Content-Disposition"] = f'attachment; filename="results-{job}.{sort}"'
    return answer
