"""The wizard's step "data": a file comes in, its import is watched, its faulty rows are reviewed."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from broker.errors import Invalid, Problem, TooLarge
from broker.formats import write
from broker.services import intake
from broker.services.intake import Arrival
from broker.store import dataset, jobs
from broker.store.db import Store
from broker.store.jobs import Fault, Job, JobState, Upload, UploadState
from broker.web import drafts
from broker.web.gate import broker, me, need, wants_json

blueprint = Blueprint("uploads", __name__, url_prefix="/jobs/<job>")
CHUNK = 1 << 20
SHOWN_ROWS, PAGE = 5, 50
RUNNING = (UploadState.WAITING, UploadState.READING)


@need("requester")
def data(job: str) -> ResponseReturnValue:
    """The file of a draft."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    if found.state != JobState.DRAFT:
        return redirect(url_for("requester.overview", job=job), 303)
    return _page(found)


def _page(job: Job, **more: Any) -> str:
    with broker().store.read() as unit:
        upload = next(iter(jobs.uploads_of(unit, job.id)), None)
        faults = jobs.faults_of(unit, upload.id, limit=SHOWN_ROWS) if upload else []
        settled = upload is not None and upload.state == UploadState.KEPT
        rows = dataset.sample(unit, job.id, limit=SHOWN_ROWS) if settled else []
    number = broker().names("U").show(upload.id) if upload else ""
    most = broker().settings.upload_bytes
    return drafts.page("data", job, upload=upload, number=number, faults=faults, rows=rows, most=most, **more)


@need("requester")
def take(job: str) -> ResponseReturnValue:
    """Take a file in place of all rows the draft has."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    try:
        receive(found.id, request.files.get("file"))
    except Invalid as error:
        errors = drafts.errors_of(error, "file", ("file",))
        return _page(found, errors=errors, problems=drafts.rows_of(error)), error.status
    return redirect(url_for("wizard.data", job=job), 303)


def receive(job_id: int, file: FileStorage | None) -> None:
    """Take a file for a draft, to be read in the background. Raises Invalid, TooLarge."""
    if file is None or not file.filename:
        raise Invalid("choose a file", problems=[Problem("choose a file", column="file")])
    most = broker().settings.upload_bytes
    intake.look(file.filename, _whole(file.stream, most), intake.limits(most, broker().settings.row_limit))
    key = broker().files.fresh_key("uploads")
    try:
        arrival = Arrival(file.filename, key, _store(key, file.stream, most))
        with broker().store.write() as unit:
            _, leftovers = intake.receive(unit, job_id, me().id, arrival, broker().now())
    except Exception:
        broker().files.remove(key)
        raise
    _remove(leftovers)


def _whole(stream: Any, most: int) -> BinaryIO:
    """The stream at its beginning. Raises TooLarge."""
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > most:
        raise TooLarge(f"The file has {size:,} bytes; at most {most:,} are accepted.")
    found: BinaryIO = stream
    return found


def _store(key: str, stream: Any, most: int) -> int:
    source, size = _whole(stream, most), 0
    with broker().files.open(key, "wb") as target:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            target.write(chunk)
    return size


def _remove(keys: Sequence[str]) -> None:
    for key in keys:
        broker().files.remove(key)


@blueprint.get("/data/progress")
@need("requester")
def progress(job: str) -> ResponseReturnValue:
    """How far the import is: JSON for scripts, a piece of the page for people, 204 when it has come to its end."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        upload = next(iter(jobs.uploads_of(unit, found.id)), None)
    if wants_json():
        return jsonify(_told(upload))
    if upload is None or upload.state not in RUNNING:
        return "", 204
    answer = make_response(render_template("requester/progress.html", upload=upload))
    answer.add_etag()
    return answer.make_conditional(request)


def _told(upload: Upload | None) -> dict[str, Any]:
    names = ("name", "size", "bytes_read", "rows_read", "good", "bad", "message")
    if upload is None:
        return {"upload": None, "state": "none"} | dict.fromkeys(names)
    told = {name: getattr(upload, name) for name in names}
    return {"upload": broker().names("U").show(upload.id), "state": upload.state, **told}


def _own(job: str, upload: str) -> tuple[Job, Upload]:
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        return found, intake.own_upload(unit, found.id, broker().names("U").read(upload))


@blueprint.get("/uploads/<upload>/faults")
@need("requester")
def faults(job: str, upload: str) -> str:
    """What is wrong in which row, a page at a time."""
    found, file = _own(job, upload)
    after = request.args.get("after", 0, type=drafts.whole)
    with broker().store.read() as unit:
        rows = jobs.faults_of(unit, file.id, after=after, limit=PAGE + 1)
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    context = {"job": found, "id": job, "upload": file, "number": upload, "after": after, "following": following}
    return render_template("requester/faults.html", faults=rows[:PAGE], **context)


@blueprint.get("/uploads/<upload>/faults.csv")
@need("requester")
def faults_file(job: str, upload: str) -> Response:
    """The whole error report as a CSV."""
    _, file = _own(job, upload)
    lines = (
        {"row": one.row, "column": one.column, "message": one.message} for one in _all_faults(broker().store, file.id)
    )
    answer = Response(write.write_csv(lines, ["row", "column", "message"]), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="faults-{upload}.csv"'
    return answer


def _all_faults(store: Store, upload_id: int) -> Iterator[Fault]:
    after = 0
    while True:
        with store.read() as unit:
            page = jobs.faults_of(unit, upload_id, after=after, limit=1000)
        if not page:
            return
        yield from page
        after = page[-1].id


@blueprint.post("/uploads/<upload>/keep")
@need("requester")
def keep(job: str, upload: str) -> ResponseReturnValue:
    """Keep the good rows of a reviewed file."""
    with broker().store.write() as unit:
        intake.keep_good(unit, drafts.number(job), me().id, broker().names("U").read(upload))
    return redirect(url_for("wizard.data", job=job), 303)


@blueprint.post("/uploads/<upload>/discard")
@need("requester")
def discard(job: str, upload: str) -> ResponseReturnValue:
    """Give up a file and its rows."""
    with broker().store.write() as unit:
        number = broker().names("U").read(upload)
        leftovers = intake.discard(unit, drafts.number(job), me().id, number, broker().now())
    _remove(leftovers)
    flash("The file and its rows are gone.", "good")
    return redirect(url_for("wizard.data", job=job), 303)
