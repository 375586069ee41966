"""A job's guide: its requester writes and changes it, its workers read it and are told once what changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field

from broker.annotation import reading
from broker.errors import Invalid, Problem
from broker.formats import images
from broker.rules import revision
from broker.services import guide
from broker.services.guide import Example, Written
from broker.store import guides, jobs
from broker.store.db import Unit
from broker.store.guides import Picture
from broker.store.jobs import Job
from broker.web import drafts, media
from broker.web.gate import broker, me, need

blueprint = Blueprint("guides", __name__)
THUMB = 320
SIDES = {"right": True, "wrong": False}


class Told(BaseModel):
    """The version that a worker has on screen."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1)


def address(picture: Picture) -> str:
    """A signed address at which a picture of a guide can be seen."""
    return media.picture(broker(), picture.file)


def addresses(unit: Unit, job_id: int, names: Sequence[str]) -> dict[str, str]:
    """Signed addresses of a job's pictures by their public ids; those of no picture of it are left out."""
    found = guide.shown_pictures(unit, job_id, names, broker().names("G").read)
    return {name: address(one) for name, one in found.items()}


def shown(unit: Unit, job: Job) -> dict[str, Any]:
    """A guide as templates show it: text, examples by label, pictures, version."""
    examples = guide.examples(job.examples)
    names = [*revision.pictures(job.guide), *(one.picture for one in examples if one.picture)]
    return {
        "guide": job.guide,
        "examples": by_label(examples),
        "pictures": addresses(unit, job.id, names) if names else {},
        "guide_version": job.guide_version,
    }


def by_label(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Examples under their labels, in the order of their first; right ones before wrong ones."""
    found: dict[str, list[Example]] = {}
    for one in examples:
        found.setdefault(one.label, []).append(one)
    return {label: sorted(each, key=lambda one: not one.right) for label, each in found.items()}


def told(unit: Unit, job: Job, worker_id: int, since: int | None = None) -> dict[str, Any] | None:
    """What changed since a worker's version, as templates show it; None if nothing did."""
    news = guide.news(unit, job, worker_id, since)
    return None if news is None else {"news": news, "pictures": addresses(unit, job.id, news.pictures)}


# ---- the requester ----


@blueprint.get("/jobs/<job>/guide")
@need("requester")
def page(job: str) -> str:
    """The guide with its pictures, examples and earlier versions."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    return _page(found, Written(found.guide_version, found.guide, tuple(guide.examples(found.examples))))


def _page(job: Job, written: Written, **more: Any) -> str:
    with broker().store.read() as unit:
        kept, versions = guides.pictures(unit, job.id), guides.versions(unit, job.id)
        past = [_past(unit, job, one.version, one.created_at) for one in versions]
    show = broker().names("G").show
    return render_template(
        "requester/guide.html",
        job=job,
        id=broker().names("J").show(job.id),
        written=written,
        labels=guide.labels(job),
        pictures={show(one.id): address(one) for one in kept},
        sizes={show(one.id): f"{one.width} × {one.height}" for one in kept},
        past=past,
        most=guide.PICTURE.image_bytes,
        **({"errors": {}} | more),
    )


def _past(unit: Unit, job: Job, number: int, at: Any) -> dict[str, Any]:
    news = guide.between(unit, job.id, number - 1, number)
    return {"version": number, "at": at, "news": news}


@blueprint.post("/jobs/<job>/guide")
@need("requester")
def save(job: str) -> ResponseReturnValue:
    """Keep the guide; its other buttons only show the form again, with a picture or an example more or less."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    written, act = _typed(), request.form.get("act", "save")
    try:
        if act == "picture":
            name = _take_picture(found)
            text = f"{written.text.rstrip()}\n\n![What it shows](picture:{name})\n".lstrip()
            return _page(found, Written(written.version, text, written.examples), added=name)
        if act != "save":
            return _page(found, _rearranged(written, act), focus=act)
        with broker().store.write() as unit:
            news = guide.save(unit, found.id, me().id, written, broker().now())
    except Invalid as error:
        return _page(found, written, errors=drafts.errors_of(error, "guide")), error.status
    flash("The guide is saved." + (" Workers are told what changed before they go on." if news else ""), "good")
    return redirect(url_for("guides.page", job=job), 303)


def _typed() -> Written:
    form = request.form
    columns = [form.getlist(f"example_{name}") for name in ("label", "side", "text", "picture")]
    rows = list(zip(*columns, strict=False))[: guide.MOST_EXAMPLES + 1]
    examples = tuple(
        Example(label, SIDES.get(side, True), text.strip(), picture) for label, side, text, picture in rows
    )
    version = form.get("version", 1, type=drafts.whole)
    return Written(version, form.get("guide", "").replace("\r\n", "\n"), examples)


def _rearranged(written: Written, act: str) -> Written:
    examples, (verb, _, place) = list(written.examples), act.partition(":")
    if verb == "add":
        examples.append(Example("", right=True, text=""))
    elif verb == "remove" and place.isdecimal() and len(place) < 4:
        del examples[int(place) : int(place) + 1]
    return Written(written.version, written.text, tuple(examples))


def _take_picture(job: Job) -> str:
    """Keep the picture that came with the form; its public id. Raises Invalid."""
    file = request.files.get("picture")
    if file is None or not file.filename:
        raise Invalid("choose a picture", problems=[Problem("choose a picture", column="picture")])
    found: images.Picture = guide.verified(file.stream.read(guide.PICTURE.image_bytes + 1))
    key = broker().files.fresh_key("guides")
    broker().files.write(key, found.content)
    try:
        with broker().store.write() as unit:
            row = guide.picture(unit, job.id, me().id, (key, found), broker().now())
            return broker().names("G").show(row.id)
    except Exception:
        broker().files.remove(key)
        raise


def previewed(unit: Unit, job: Job, text: str) -> Mapping[str, str]:
    """The pictures that a guide being written shows."""
    return addresses(unit, job.id, revision.pictures(text))


# ---- the worker ----


@blueprint.get("/work/<job>/guide")
@need("worker")
def news(job: str) -> Response:
    """What changed since the version on screen, and the guide as it is now, as pieces of the page; 204 if nothing."""
    version = request.args.get("version", 1, type=drafts.whole)
    with broker().store.read() as unit:
        found = jobs.published(unit, broker().names("J").read(job))
        what = told(unit, found, me().id, version)
        if what is None:
            return Response(status=204)
        now = shown(unit, found)
    changes, text = render_template("worker/changes.html", **what), render_template("worker/guide.html", job=now)
    return jsonify({"version": found.guide_version, "changes": changes, "guide": text})


@blueprint.post("/work/<job>/guide")
@need("worker")
def seen(job: str) -> Response:
    """The worker has read the guide, or what changed in it."""
    raw = reading.record(request.get_json(silent=True), "body")
    version = reading.model(Told, raw).version
    with broker().store.write() as unit:
        guide.acknowledge(unit, broker().names("J").read(job), me().id, version, broker().now())
    return jsonify({"seen": version})
