"""Batches as in MTurk's old web page: a page with ${variables} and a CSV make a draft; results go out and come back."""

from typing import BinaryIO, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from broker.errors import Invalid, Problem
from broker.formats import batch as batch_format
from broker.formats import detect
from broker.services import bring, intake, review, tabulate
from broker.services.bring import Posted
from broker.services.tabulate import Shown
from broker.store.jobs import JobState
from broker.web import drafts, uploads
from broker.web.gate import broker, me, need

blueprint = Blueprint("batches", __name__, url_prefix="/jobs")
FIELDS = ("title", "description", "keywords", "approve_days", "html", "file")
LABELS = {
    "title": "Title",
    "description": "Description",
    "keywords": "Keywords",
    "approve_days": "Approved after",
    "html": "Page",
    "file": "Table",
}
LARGEST_PAGE = 2_000_000


@blueprint.get("/new/batch")
@need("requester")
def new() -> str:
    """The page and the table of a batch."""
    return _form({"approve_days": "3"}, {}, [])


def _form(typed: dict[str, str], errors: dict[str, str], problems: list[Problem]) -> str:
    most = broker().settings.upload_bytes
    context = {"typed": typed, "errors": errors, "problems": problems, "labels": LABELS, "most": most}
    return render_template("requester/batch_new.html", **context)


@blueprint.post("/new/batch")
@need("requester")
def make() -> ResponseReturnValue:
    """Make a draft of a page and a table."""
    typed = {name: request.form.get(name, "") for name in FIELDS}
    try:
        typed["html"] = _page(request.files.get("page")) or typed["html"]
        _fitting(typed["html"], request.files.get("file"))
        wanted = Posted(*(typed[name] for name in ("title", "html", "description", "keywords", "approve_days")))
        with broker().store.write() as unit:
            job = bring.post(unit, me().id, wanted, broker().now())
        uploads.receive(job, request.files.get("file"))
    except Invalid as error:
        errors = drafts.errors_of(error, "file", FIELDS)
        return _form(typed, errors, drafts.rows_of(error)), error.status
    return redirect(url_for("wizard.data", job=broker().names("J").show(job)), 303)


def _page(file: FileStorage | None) -> str:
    """The text of an uploaded page; empty if there is none."""
    content = file.stream.read(LARGEST_PAGE + 1) if file is not None and file.filename else b""
    if len(content) > LARGEST_PAGE:
        raise _wrong(f"the page has more than {LARGEST_PAGE:,} bytes", "html")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("the page is not UTF-8 text", "html") from None


def _fitting(html: str, file: FileStorage | None) -> None:
    """Raises Invalid for a page that asks for columns which the table does not have."""
    if file is None or not file.filename:
        raise _wrong("choose the CSV with a column for each variable", "file")
    stream = cast("BinaryIO", file.stream)
    reader = detect.reader_for(file.filename, stream.read(detect.HEAD))
    stream.seek(0)
    if reader.name not in {"csv", "tsv", "jsonl"}:
        raise _wrong("a CSV, TSV or JSON Lines file is needed", "file")
    most = intake.limits(broker().settings.upload_bytes, broker().settings.row_limit)
    columns = detect.sample(reader, stream, limits=most).columns
    stream.seek(0)
    try:
        batch_format.check(html, columns)
    except Invalid as error:
        raise _wrong("; ".join(one.message for one in error.problems), "html") from error


def _wrong(message: str, field: str) -> Invalid:
    return Invalid(f"{field}: {message}", problems=[Problem(message, column=field)])


@blueprint.get("/<job>/batch")
@need("requester")
def results(job: str) -> ResponseReturnValue:
    """Where the results of a job are fetched as MTurk's file, and brought back filled in."""
    return _results(job, [])


def _results(job: str, problems: list[Problem], error: str = "") -> ResponseReturnValue:
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    if found.state == JobState.DRAFT:
        return redirect(url_for("wizard.data", job=job), 303)
    errors = {"file": error} if error else {}
    page = render_template("requester/batch.html", job=found, id=job, problems=problems, errors=errors)
    return page, 422 if errors else 200


@blueprint.get("/<job>/batch.csv")
@need("requester")
def file(job: str) -> Response:
    """The results file, streamed."""
    names = broker().names
    shown = Shown(names("H").show, names("T").show, names("J").show)
    blocks = tabulate.results(broker().store, drafts.number(job), me().id, shown, broker().now())
    answer = Response(blocks, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="Batch_{job}_batch_results.csv"'
    return answer


@blueprint.post("/<job>/batch")
@need("requester")
def decide(job: str) -> ResponseReturnValue:
    """Approve and reject as a filled file says."""
    given, number = request.files.get("file"), drafts.number(job)
    try:
        if given is None or not given.filename:
            raise _wrong("choose the filled file", "file")
        stream, read = cast("BinaryIO", given.stream), broker().names("T").read
        named, decided = review.file(broker().store, number, me().id, stream, read, broker().now())
    except Invalid as error:
        return _results(job, drafts.rows_of(error), error.message)
    flash(f"{decided:,} answers decided; {named - decided:,} were so already.", "good")
    return redirect(url_for("batches.results", job=job), 303)
