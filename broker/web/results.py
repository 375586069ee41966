"""What a job has brought: item by item in a page, all of it in a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Invalid, NotFound
from broker.formats import write
from broker.formats.export import EXPORTS
from broker.kinds.registry import furnish
from broker.rules.split import Split
from broker.services import deliver, export
from broker.store import beliefs, exports
from broker.store.exports import Export, ExportState
from broker.store.results import Order, Wish
from broker.web import drafts
from broker.web.gate import broker, me, need

blueprint = Blueprint("results", __name__, url_prefix="/jobs/<job>")
PAGE = 50
BLOCK = 64 * 1024
LARGE = 10_000
"""A job of more items is downloaded as a file that is prepared in the background: writing it takes too long to wait."""
UNFINISHED = (ExportState.WAITING, ExportState.RUNNING)
SHARES = {"train": "80", "validation": "10", "test": "10", "seed": "1"}


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
        versions, files = beliefs.versions(unit, found.id), exports.of_job(unit, found.id)
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
        large=found.hits > LARGE,
        formats=export.formats(found) if found.kind else [],
        shares=SHARES,
        errors={},
        **_shelf(files),
    )


def _shelf(files: Sequence[Export]) -> dict[str, Any]:
    """What the list of prepared files shows."""
    return {
        "files": files,
        "unfinished": any(one.state in UNFINISHED for one in files),
        "file_name": lambda one: broker().names("X").show(one.id),
        "kept": export.KEPT,
        "titles": {name: one.title for name, one in EXPORTS.items()},
    }


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
    return _file(write.write(sort, rows, deliver.columns(found)), f"results-{job}", sort)


def _file(blocks: Iterator[bytes], name: str, sort: str) -> Response:
    form = EXPORTS[sort]
    answer = Response(blocks, content_type=form.mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}{form.suffix}"'
    return answer


@blueprint.post("/exports")
@need("requester")
def prepare(job: str) -> ResponseReturnValue:
    """Have a file of the results prepared in the background."""
    with broker().store.write() as unit:
        found = drafts.mine(unit, job)
        aggregation = deliver.chosen(unit, found, request.form.get("version", type=drafts.whole) or None)
        version = aggregation.version if aggregation else 0
        export.ask(unit, found, request.form.get("format", ""), version, broker().now(), _split())
    flash("The file is being prepared. You can leave this page meanwhile.", "good")
    return redirect(url_for("results.table", job=job, version=version or None, _anchor="files"), 303)


def _split() -> Split | None:
    """The shares that were asked for. Raises Invalid naming the fields."""
    if again := request.form.get("again"):
        return _again(again)
    if "split" not in request.form:
        return None
    return Split.of(*(request.form.get(name, "") for name in ("train", "validation", "test", "seed")))


def _again(text: str) -> Split:
    """The shares of a file that is tried again. Raises Invalid."""
    parts = text.replace("@", "/").split("/")
    if len(parts) != 4:
        raise Invalid("split: expected shares and a seed, such as 80/10/10@1")
    return Split.of(*parts)


@blueprint.get("/exports")
@need("requester")
def shelf(job: str) -> ResponseReturnValue:
    """The list of prepared files while some are unfinished; 204 when all are done."""
    with broker().store.read() as unit:
        files = exports.of_job(unit, drafts.mine(unit, job).id)
    shown = _shelf(files)
    if not shown["unfinished"]:
        return "", 204
    answer = make_response(render_template("requester/exports.html", id=job, **shown))
    answer.add_etag()
    return answer.make_conditional(request)


@blueprint.get("/exports/<export_id>")
@need("requester")
def fetch(job: str, export_id: str) -> ResponseReturnValue:
    """A prepared file, streamed."""
    with broker().store.read() as unit:
        found = export.own(unit, drafts.mine(unit, job).id, broker().names("X").read(export_id))
    if found.state != ExportState.DONE:
        raise NotFound("This file is not ready.")
    stream = broker().files.stream(found.file, BLOCK)
    answer = _file(stream, f"results-{job}-v{found.version}" if found.version else f"results-{job}", found.format)
    answer.content_length = found.size
    return answer
