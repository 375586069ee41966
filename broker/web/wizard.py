"""The job wizard: task, quality, pay, check and publish (data is in web/uploads)."""

import contextlib
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from broker.errors import BrokerError, Invalid, Problem, Unpaid
from broker.rules import ledger
from broker.services import foresee, intake, prepare, publish
from broker.services.prepare import GoldFile, Quality
from broker.store import dataset
from broker.store.db import Unit
from broker.store.jobs import Job, JobState
from broker.web import drafts, frames, guides, qualifying, shown, taskform, uploads
from broker.web.gate import broker, me, need
from broker.web.taskform import Label, TaskForm

blueprint = Blueprint("wizard", __name__, url_prefix="/jobs/<job>")
FIRST_ROWS = 20
ACCURACY = "80"
"""In percent: what is assumed of a worker until the requester says otherwise."""
QUALITY_FIELDS = (
    *("redundancy", "most", "sure", "priority_column", "gold_percent"),
    *("gold_column", "gold_file", "gold_key", "gold_label", "gold"),
)
blueprint.add_url_rule("/data", "data", uploads.data)
blueprint.add_url_rule("/data", "take", uploads.take, methods=["POST"])


def _load(job: str) -> Job | None:
    """The draft; None if it is published by now. Raises NotFound."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    return found if found.state == JobState.DRAFT else None


def _published(job: str) -> ResponseReturnValue:
    return redirect(url_for("requester.overview", job=job), 303)


def _files(job: Job | None) -> dict[str, str]:
    """The columns of the draft's data that name files."""
    with broker().store.read() as unit:
        found = dataset.sample(unit, job.id, limit=FIRST_ROWS) if job else []
    return taskform.files_in([payload for _, payload in found])


@blueprint.get("/task")
@need("requester")
def task(job: str) -> ResponseReturnValue:
    """What workers are asked."""
    found = _load(job)
    return _task_page(found, taskform.kept(found, _files(found))) if found else _published(job)


def _task_page(job: Job, form: TaskForm, **more: Any) -> Response:
    columns = [name for name in job.columns if not name.startswith("_")]
    with broker().store.read() as unit:
        rows = dataset.size(unit, job.id)
    for one in form.asked:
        if one.control.sort == "labels":
            one.value.extend([Label()] * (taskform.FEWEST_LABEL_ROWS - len(one.value)))
    medium = (offer.settings.get("media", "") if (offer := taskform.of_offer(form.offer)) else "") or "text"
    more |= {"columns": columns, "rows": rows, "groups": taskform.groups(), "medium": medium}
    return frames.confined(drafts.page("task", job, form=form, **more), "/jobs/")


@blueprint.post("/task")
@need("requester")
def save_task(job: str) -> ResponseReturnValue:
    """Keep the task; adding, removing and moving labels without a script only shows the form again."""
    act = request.form.get("act", "next")
    verb, _, rest = act.partition(":")
    found = _load(job)
    form = taskform.typed(_files(found))
    if verb in {"add", "remove", "up", "down"}:
        place, _, name = rest.partition(":")
        labels = form.labels(name or "labels")
        at = min(int(place), len(labels)) if place.isdecimal() and len(place) < 4 else len(labels)
        _rearrange(labels, verb, at)
        focus = (name or "labels", _focus(verb, at))
        return _task_page(found, form, focus=focus) if found else _published(job)
    return _choose_kind(job, found, form) if act == "kind" else _keep_task(job, form)


def _choose_kind(job: str, found: Job | None, form: TaskForm) -> ResponseReturnValue:
    """Another kind was chosen: keep what there is, and show its own settings."""
    with contextlib.suppress(Invalid), broker().store.write() as unit:
        prepare.save_task(unit, drafts.number(job), me().id, form.task(), loosely=True)
    return _task_page(found, form) if found else _published(job)


def _keep_task(job: str, form: TaskForm) -> ResponseReturnValue:
    try:
        with broker().store.write() as unit:
            prepare.save_task(unit, drafts.number(job), me().id, form.task(), loosely=drafts.wants("autosave"))
    except Invalid as error:
        found = _load(job)
        names = ("title", "description", "guide", "offer", *(one.control.name for one in form.asked))
        errors = {
            name if name.partition(".")[0] in names else "offer": message
            for name, message in drafts.errors_of(error, "offer").items()
        }
        return (_task_page(found, form, errors=errors), 422) if found else _published(job)
    return drafts.onward("task", job)


def _rearrange(labels: list[Label], verb: str, at: int) -> None:
    if verb == "add" and len(labels) < taskform.MOST_LABELS:
        labels.append(Label())
    elif verb == "remove":
        del labels[at : at + 1]
    elif verb in {"up", "down"} and at < len(labels):
        moved = labels.pop(at)
        labels.insert(max(0, at - 1) if verb == "up" else at + 1, moved)


def _focus(verb: str, at: int) -> int:
    return max(0, {"up": at - 1, "down": at + 1, "remove": at - 1}.get(verb, at))


@blueprint.post("/guide/preview")
@need("requester")
def guide(job: str) -> str:
    """The guide as workers will read it."""
    text = request.form.get("guide", "")[: prepare.LONGEST_TEXT]
    with broker().store.read() as unit:
        pictures = guides.previewed(unit, drafts.mine(unit, job), text)
    return str(shown.markdown(text, pictures))


@blueprint.get("/quality")
@need("requester")
def quality(job: str) -> ResponseReturnValue:
    """How many answers, and which known ones."""
    found = _load(job)
    if found is None:
        return _published(job)
    source = "file" if found.gold_column == prepare.GOLD else "column" if found.gold_column else "none"
    form = {
        "redundancy": found.redundancy,
        "most": found.most or "",
        "sure": round(found.sure * 100),
        "priority_column": found.priority_column,
        "gold_percent": found.gold_percent,
        "gold": source,
        "gold_column": found.gold_column,
    }
    return _quality_page(found, form, {})


def _quality_page(job: Job, form: dict[str, Any], errors: dict[str, str], **more: Any) -> ResponseReturnValue:
    columns = [name for name in job.columns if not name.startswith("_")]
    with broker().store.read() as unit:
        kept = dataset.filled(unit, job.id, prepare.GOLD) if prepare.GOLD in job.columns else 0
        cost = prepare.cost(unit, job)
        pilots = foresee.pilots(unit, job)
        chosen = request.args.get("pilot", "")
        pilot = foresee.pilot(unit, job, drafts.number(chosen)) if chosen else None
    accuracy, plans = request.args.get("accuracy", ACCURACY), None
    try:
        plans = foresee.outlook(job, cost.hits, accuracy, pilot)
    except Invalid as error:
        errors = errors | drafts.errors_of(error, "pilot" if pilot else "accuracy")
    more |= {"outlook": plans, "foreseen": plans or "accuracy" in errors or "pilot" in errors, "accuracy": accuracy}
    show = broker().names("J").show
    earlier = [(show(one.id), f"as in {one.title} ({one.answers:,} answers)") for one in pilots]
    more |= {"pilots": earlier, "pilot": chosen}
    more |= {"columns": columns, "kept": kept, "cost": cost, "currency": broker().settings.currency}
    return drafts.page("quality", job, form=form, errors=errors, **more), 422 if errors else 200


@blueprint.post("/quality")
@need("requester")
def save_quality(job: str) -> ResponseReturnValue:
    """Keep the plan and the gold, all or nothing."""
    form = request.form.to_dict()
    try:
        with broker().store.write() as unit:
            _keep_quality(unit, drafts.number(job), form, request.files.get("gold_file"))
    except Invalid as error:
        found = _load(job)
        if found is None:
            return _published(job)
        sort = {"column": "gold_column", "file": "gold_file"}.get(form.get("gold", ""), "redundancy")
        errors = drafts.errors_of(error, sort, QUALITY_FIELDS)
        return _quality_page(found, form, errors, problems=drafts.rows_of(error))
    return drafts.onward("quality", job)


def _keep_quality(unit: Unit, job_id: int, form: dict[str, str], file: FileStorage | None) -> None:
    source, column = form.get("gold", "none"), ""
    if source == "file":
        column = prepare.GOLD
        if file is not None and file.filename:
            most = intake.limits(broker().settings.upload_bytes, prepare.MOST_GOLD_ROWS)
            key, label = form.get("gold_key", ""), form.get("gold_label", "").strip()
            gold = GoldFile(file.filename, cast("BinaryIO", file.stream), key, label)
            prepare.save_gold(unit, job_id, me().id, gold, most)
    elif source == "column":
        column = form.get("gold_column", "")
        if not column:
            problem = Problem("choose the column with the known answers", column="gold_column")
            raise Invalid(str(problem), problems=[problem])
    plain = {name: form[name] for name in ("most", "sure", "priority_column", "gold_percent") if name in form}
    prepare.save_quality(unit, job_id, me().id, Quality(form.get("redundancy", ""), gold_column=column, **plain))


@blueprint.get("/pay")
@need("requester")
def pay(job: str) -> ResponseReturnValue:
    """What an answer is worth and how long it may take."""
    found = _load(job)
    if found is None:
        return _published(job)
    reward, budget = (
        f"{one / ledger.UNIT:.6f}".rstrip("0").rstrip(".") if one else "" for one in (found.reward, found.budget)
    )
    days = "" if found.approval_seconds is None else found.approval_seconds // (24 * 3600)
    given = {"reward": reward, "budget": budget, "lease_minutes": found.lease_seconds // 60, "review_days": days}
    return _pay_page(found, given)


def _pay_page(job: Job, form: dict[str, Any], **more: Any) -> str:
    with broker().store.read() as unit:
        cost = prepare.cost(unit, job)
    return drafts.page("pay", job, form=form, cost=cost, currency=broker().settings.currency, **more)


@blueprint.post("/pay")
@need("requester")
def save_pay(job: str) -> ResponseReturnValue:
    """Keep the pay."""
    form = request.form.to_dict()
    try:
        with broker().store.write() as unit:
            usual = {"reward": "", "lease_minutes": "10", "budget": "", "review_days": ""}
            told = (form.get(name, text) for name, text in usual.items())
            prepare.save_pay(unit, drafts.number(job), me().id, *told)
    except Invalid as error:
        found = _load(job)
        return (_pay_page(found, form, errors=drafts.errors_of(error, "reward")), 422) if found else _published(job)
    return drafts.onward("pay", job)


@blueprint.get("/check")
@need("requester")
def check(job: str) -> ResponseReturnValue:
    """Everything on one page."""
    found = _load(job)
    return _check_page(found) if found else _published(job)


def _check_page(job: Job, refusal: BrokerError | None = None) -> str:
    with broker().store.read() as unit:
        cost = prepare.cost(unit, job)
        problems = prepare.problems(unit, job, cost.most, cost.balance)
        asked = {"required": qualifying.required(unit, job), "offered": qualifying.offered(unit)}
    form = taskform.kept(job, _files(job))
    rows = list(refusal.problems) if refusal else []
    return drafts.page(
        "check",
        job,
        cost=cost,
        found=problems,
        ready=not any(problems.values()),
        offer=taskform.of_offer(form.offer),
        form=form,
        refusal=refusal.message if refusal else "",
        problems=rows,
        currency=broker().settings.currency,
        **asked,
    )


@blueprint.post("/check")
@need("requester")
def publish_job(job: str) -> ResponseReturnValue:
    """Open the job to workers."""
    try:
        with broker().store.write() as unit:
            publish.publish(unit, drafts.number(job), me().id, broker().now())
    except (Invalid, Unpaid) as error:
        found = _load(job)
        return (_check_page(found, error), error.status) if found else _published(job)
    flash("Your job is open: workers see it now.", "good")
    return redirect(url_for("requester.overview", job=job), 303)
