"""`broker import groundtruth`: a manifest, a task template and the labels of a labeling job become a draft."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from broker.cli.batch.bring import read_text
from broker.cli.groundtruth import functions
from broker.cli.groundtruth.functions import Function
from broker.cli.importing import fill, installation, requester_of, sound, tell, told_of_job
from broker.errors import BrokerError, Invalid, Problem
from broker.formats import images, manifest, tasktemplate
from broker.formats.limits import KIB, Limits
from broker.formats.manifest import REFERENCE, TEXT, Category, Entry
from broker.formats.tasktemplate import LABELS, Known
from broker.kinds.registry import ROOMS
from broker.services import intake
from broker.services.bring import File, Origin, Wanted
from broker.store.buckets import SCHEME, Buckets
from broker.wiring import Broker

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WORKERS, MORE_WORKERS = 3, 5
"""Ground Truth's own defaults; the second for boxes."""
VERSION = "2018-10-16"
IMAGE, MEDIA = "_image", "_media"
PLACES = {"image": IMAGE, "text": TEXT}
NO = {"false", "no", "0"}
NAMES = ("isHumanAnnotationRequired", "humanAnnotationRequired")
"""What AWS documents, and what its recipe writes."""


@dataclass(frozen=True)
class Given:
    """The labeling job as it was given: all of it is checked before anything is kept."""

    entries: Sequence[Entry]
    template: str
    categories: Sequence[Category]
    known: Known | None
    task_type: str
    name: str
    attribute: str


@click.command()
@click.option("--manifest", "lines", required=True, help="The input manifest: a file, or s3://bucket/key.")
@click.option("--template", required=True, type=FILE, help="The task template, unchanged (Liquid).")
@click.option("--labels", type=FILE, help="The label category configuration; needed unless the template has its own.")
@click.option("--name", default="", help="The labeling job's name. Default: that of the manifest.")
@click.option("--attribute", default="", help="The label attribute's name. Default: the job's, with -ref for masks.")
@click.option("--task-type", type=click.Choice(list(manifest.WRITERS)), help="Default: what the template asks for.")
@click.option("--as-page", is_flag=True, help="Show the template itself, also where a built-in kind does the same.")
@click.option("--workers", type=click.IntRange(1, 100), help="For each data object. Default: 3, for boxes 5.")
@click.option("--pre", default="", help="Pre-annotation function: a name or ARN that BROKER_FUNCTIONS knows.")
@click.option("--post", default="", help="Post-annotation function, for the export: likewise.")
@told_of_job
def groundtruth(lines: str, template: Path, labels: Path | None, **given: Any) -> None:
    """Make a draft of a Ground Truth labeling job: its manifest, its template and its labels, as they are."""
    with installation() as broker:
        content = _read(broker, lines)
        job = _job(content, read_text(template), labels.read_bytes() if labels else b"", lines, given)
        if given["post"]:
            functions.target(broker.settings.functions, given["post"])
        with broker.store.read() as unit:
            owner = requester_of(unit, given["requester"]).id
        key = broker.files.fresh_key("uploads")
        broker.files.write(key, content)
        file = File(lines.rpartition("/")[2], key, len(content))
        origin = Origin(
            job.name, job.attribute, job.task_type, [(one.name, one.short) for one in job.categories], given["post"]
        )
        brought = fill(broker, owner, _wanted(job, given), file, _rows(broker, job, key, given["pre"]), origin)
        tell(broker, brought, owner, published=given["published"])


def _read(broker: Broker, place: str) -> bytes:
    if place.startswith(SCHEME):
        return broker.buckets.read(place, broker.settings.upload_bytes)
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise Invalid(f"manifest: {place}: {error.strerror}") from None


def _job(content: bytes, template: str, labels: bytes, place: str, given: Mapping[str, Any]) -> Given:
    known = None if given["as_page"] or given["pre"] or given["post"] else tasktemplate.known(template)
    known = known if known and known.kind in ROOMS else None
    task_type = given["task_type"] or (known.task_type if known else tasktemplate.task_type(template))
    name = given["name"] or Path(place).name.partition(".")[0]
    attribute = given["attribute"] or (f"{name}-ref" if task_type == "semantic-segmentation" else name)
    manifest.check_attribute(attribute, task_type)
    categories = manifest.read_categories(labels) if labels else []
    if not categories and (known or task_type != "custom"):
        raise Invalid("labels: give the label category configuration with --labels")
    entries = sound(manifest.read(io.BytesIO(content), Limits()))
    return Given(entries, template, categories, known, task_type, name, attribute)


def _wanted(job: Given, given: Mapping[str, Any]) -> Wanted:
    kind, settings = ("page", {"template": job.template}) if job.known is None else (job.known.kind, _settings(job))
    boxes = job.task_type == "object-detection"
    return Wanted(
        title=given["title"] or (job.known.header if job.known else "") or job.name,
        kind=kind,
        settings=settings,
        redundancy=given["workers"] or (MORE_WORKERS if boxes else WORKERS),
        reward=given["reward"],
        lease_seconds=given["minutes"] * 60,
        description=given["description"],
        guide=job.known.instructions if job.known else "",
    )


def _settings(job: Given) -> dict[str, Any]:
    assert job.known is not None  # noqa: S101 - asked before
    known = job.known
    labels = [{"name": one.name} for one in job.categories]
    asked = {"field": PLACES[known.settings["media"]], "question": known.header or job.name, "labels": labels}
    return {**known.settings, **asked}


def _rows(broker: Broker, job: Given, key: str, pre: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The payload of every data object that people are needed for. Raises Invalid naming the row."""
    if pre:
        entry = functions.target(broker.settings.functions, pre)
        with Function(entry, broker.settings.function_seconds) as function:
            yield from _prepared(job, function)
    elif job.known is None:
        shared = {"labels": [one.name for one in job.categories]} if LABELS in job.template else {}
        for one in job.entries:
            _check(broker.buckets, one)
            yield one.row, {**shared, **_columns(one, one.line)}
    else:
        for one in job.entries:
            yield one.row, {**_plain(one.line), **_shown(broker, job.known, one, key)}


def _prepared(job: Given, function: Function) -> Iterator[tuple[int, dict[str, Any]]]:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:labeling-job/{job.name}"
    for one in job.entries:
        try:
            answer = function.call({"version": VERSION, "labelingJobArn": arn, "dataObject": one.line})
        except BrokerError as error:
            raise _at(one, error.message) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("taskInput"), dict):
            raise _at(one, "the pre-annotation function gave no object under taskInput")
        if not any(str(answer.get(name, "")).lower() in NO for name in NAMES):
            yield one.row, _columns(one, answer["taskInput"])


def _columns(entry: Entry, found: Mapping[str, Any]) -> dict[str, Any]:
    """What a template sees of an object. Raises Invalid for names that no column may have."""
    try:
        intake.check_columns(found)
    except Invalid as error:
        raise _at(entry, error.message) from error
    return dict(found)


def _at(entry: Entry, message: str) -> Invalid:
    problem = Problem(message, entry.row)
    return Invalid(f"{problem}; nothing was imported.", problems=[problem])


def _check(buckets: Buckets, entry: Entry) -> None:
    if entry.is_reference:
        try:
            buckets.check(entry.source)
        except Invalid as error:
            raise _at(entry, error.message) from error


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a table of a built-in kind keeps of a line beside the object: plain values; the manifest keeps the rest."""
    return {name: value for name, value in line.items() if not isinstance(value, dict | list) and name[:1] != "_"}


def _shown(broker: Broker, known: Known, entry: Entry, key: str) -> dict[str, Any]:
    """The column that the kind shows: the text, or the image, verified and kept as an upload's would be."""
    try:
        if known.settings["media"] == "text":
            return {TEXT: _text(broker.buckets, entry)}
        if not entry.is_reference:
            raise Invalid(f"the template shows images, and the line has no {REFERENCE!r}")
        picture = images.take(broker.buckets.read(entry.source, Limits().image_bytes), Limits())
    except BrokerError as error:
        raise _at(entry, error.message) from error
    place = f"images/{key.rpartition('/')[2]}/{entry.row // 1000}/{entry.row}"
    broker.files.write(place, picture.content)
    file = f"{place}.{picture.sort}"
    facts = {"file": file, "medium": "image", "width": picture.width, "height": picture.height}
    return {IMAGE: file, MEDIA: {IMAGE: facts}}


def _text(buckets: Buckets, entry: Entry) -> str:
    if not entry.is_reference:
        return entry.source
    try:
        return buckets.read(entry.source, 128 * KIB).decode()
    except UnicodeDecodeError:
        raise Invalid(f"{entry.source[:200]!r} is not UTF-8 text") from None
