"""`broker export groundtruth`: a job's output manifest and its folders of annotations, as Ground Truth wrote them."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO, cast

import click

from broker.cli.groundtruth import functions
from broker.cli.groundtruth.functions import Failed, Function
from broker.cli.groundtruth.gateway import Gateway
from broker.cli.groundtruth.place import Place
from broker.cli.importing import installation
from broker.errors import Invalid, Problem
from broker.formats import manifest, mask
from broker.formats.limits import Limits
from broker.formats.manifest import METADATA, Category, Entry, Found
from broker.kinds.registry import furnish
from broker.services import augment
from broker.services.augment import Object
from broker.store.jobs import Job
from broker.store.labelings import Labeling, Response
from broker.wiring import Broker

AT_ONCE = 50
"""Objects that a post-annotation function gets in one call."""
VERSION = "2018-10-16"
ROLE = "arn:aws:iam::000000000000:role/crowd-broker"
ITERATION = "iteration-1"
COMMENTS = ("workerComment", "comment")
SPOOLED = 16 << 20


@dataclass
class Writing:
    """One export: where it goes, what of, and how many objects were labelled."""

    broker: Broker
    place: Place
    job: Job
    labeling: Labeling
    stamp: str
    labelled: int = 0
    failures: list[Problem] = field(default_factory=list)

    @property
    def categories(self) -> list[Category]:
        """The job's labels."""
        return [Category(*one) for one in self.labeling.categories]

    def name(self, path: str) -> str:
        """Where a file of the export goes."""
        return f"{self.labeling.name}/{path}"


@click.command()
@click.argument("job")
@click.option("--to", "target", required=True, help="A folder, or s3://bucket/prefix; the job's name is added.")
def groundtruth(job: str, target: str) -> None:
    """Write what the job JOB found as Ground Truth did: output manifest, worker responses, consolidated annotations.

    It may be written while people work: lines without a label are as they were.
    """
    with installation() as broker:
        with broker.store.read() as unit:
            found, labeling = augment.origin(unit, broker.names("J").read(job))
        stamp = f"{broker.now():%Y-%m-%d_%H:%M:%S}"
        writing = Writing(broker, Place(target, broker.buckets), found, labeling, stamp)
        lines = write(writing)
        click.echo(f"{writing.labelled:,} of {lines:,} objects have a label: {writing.place.address(_output(writing))}")
        if writing.failures:
            raise Failed(f"{len(writing.failures):,} objects failed.", problems=writing.failures[:20])


def _output(writing: Writing) -> str:
    return writing.name("manifests/output/output.manifest")


def write(writing: Writing) -> int:
    """Write the folders, and at last the manifest; how many lines it has."""
    with ExitStack() as stack:
        stream = stack.enter_context(writing.broker.files.open(writing.labeling.manifest))
        output = cast("BinaryIO", stack.enter_context(tempfile.SpooledTemporaryFile(SPOOLED)))
        function = _function(writing, stack)
        pairs = _paired(cast("BinaryIO", stream), augment.objects(writing.broker.store, writing.job.id))
        count = 0
        for _, batch in groupby(enumerate(pairs), lambda one: one[0] // AT_ONCE):
            for line in _lines(writing, [pair for _, pair in batch], function):
                output.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                count += 1
        output.seek(0)
        writing.place.write(_output(writing), output.read())
    return count


def _function(writing: Writing, stack: ExitStack) -> "Post | None":
    if not writing.labeling.function:
        return None
    settings = writing.broker.settings
    entry = functions.target(settings.functions, writing.labeling.function)
    gateway = stack.enter_context(Gateway(writing.broker.buckets))
    return Post(stack.enter_context(Function(entry, settings.function_seconds, gateway.environment)), gateway)


def _paired(stream: BinaryIO, objects: Iterator[Object]) -> Iterator[tuple[Entry, Object | None]]:
    """Every line of the manifest with what was found; None for those that were no work for people."""
    following = next(objects, None)
    for entry in manifest.read(stream, Limits()):
        if isinstance(entry, Problem):
            raise Invalid(f"The manifest was changed: {entry}")
        while following is not None and following.row < entry.row:
            following = next(objects, None)
        yield entry, following if following is not None and following.row == entry.row else None


Pair = tuple[Entry, Object | None]


def _lines(writing: Writing, batch: list[Pair], post: "Post | None") -> Iterable[dict[str, Any]]:
    for entry, found in batch:
        if found is not None and found.responses:
            _respond(writing, entry, found)
    consolidate = _own if post is None else post.consolidate
    contents = consolidate(writing, batch)
    writing.labelled += len(contents)
    _keep_consolidated(writing, batch, contents)
    for entry, _ in batch:
        yield {**entry.line, **contents.get(entry.row, {})}


def _respond(writing: Writing, entry: Entry, found: Object) -> None:
    """Each worker's answer in a file of its object, with when and how long."""
    room = furnish(writing.job.kind, writing.job.settings)
    answers = [_answered(writing, one, room.dump(room.parse(one.answer, {}))) for one in found.responses]
    path = f"annotations/worker-response/{ITERATION}/{entry.row - 1}/{writing.stamp}.json"
    writing.place.write(writing.name(path), _json({"answers": answers}))


def _answered(writing: Writing, one: Response, content: Mapping[str, Any]) -> dict[str, Any]:
    issuer = writing.broker.settings.url or "crowd-broker"
    return {
        "acceptanceTime": _utc(one.accepted_at),
        "answerContent": dict(content),
        "submissionTime": _utc(one.submitted_at),
        "timeSpentInSeconds": round((one.submitted_at - one.accepted_at).total_seconds(), 3)
        if one.seconds is None
        else round(one.seconds, 3),
        "workerId": one.worker,
        "workerMetadata": {
            "identityData": {"identityProviderType": "crowd-broker", "issuer": issuer, "sub": one.worker}
        },
    }


def _own(writing: Writing, batch: list[Pair]) -> dict[int, dict[str, Any]]:
    """Our consensus as labels: what stands in the manifest's lines beside what they had, by row."""
    found = {}
    for entry, one in batch:
        if one is None or one.answer is None or one.at is None:
            continue
        try:
            found[entry.row] = _label(writing, entry, one, one.answer, one.at)
        except Invalid as error:
            writing.failures.append(Problem(error.message, entry.row))
    return found


def _label(writing: Writing, entry: Entry, one: Object, answer: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
    task_type = writing.labeling.task_type
    room = furnish(writing.job.kind, writing.job.settings)
    said = room.dump(room.parse(answer, {}))
    reference = ""
    if task_type == "semantic-segmentation":
        picture, said = mask.drawn(said, writing.categories)
        path = writing.name(f"annotations/consolidated-annotation/output/{entry.row - 1}_{writing.stamp}.png")
        writing.place.write(path, picture)
        reference = writing.place.address(path)
    comments = [text for response in one.responses for text in _comments(response.answer)]
    value, about = manifest.label(task_type, Found(said, one.confidence, at, comments, reference), writing.categories)
    about |= manifest.metadata(task_type, writing.labeling.name, at)
    return manifest.augmented({}, writing.labeling.attribute, value, about)


def _comments(answer: Mapping[str, Any]) -> Iterator[str]:
    places = [answer, *(one for one in answer.values() if isinstance(one, Mapping))]
    for place in places:
        for name in COMMENTS:
            if isinstance(place.get(name), str) and place[name].strip():
                yield place[name]


def _keep_consolidated(writing: Writing, batch: list[Pair], contents: Mapping[int, Any]) -> None:
    """What was consolidated, in a file of its batch."""
    kept = [
        {"datasetObjectId": str(row - 1), "consolidatedAnnotation": {"content": content}}
        for row, content in contents.items()
    ]
    first = batch[0][0].row - 1
    path = f"annotations/consolidated-annotation/consolidation-response/{ITERATION}/{writing.stamp}-{first}.json"
    writing.place.write(writing.name(path), _json(kept))


@dataclass(frozen=True)
class Post:
    """A post-annotation function with the address under which it finds its payload."""

    function: Function
    gateway: Gateway

    def consolidate(self, writing: Writing, batch: list[Pair]) -> dict[int, dict[str, Any]]:
        """What the function makes of the answers, by row; objects it does not name stay without a label."""
        answered = [(entry, one) for entry, one in batch if one is not None and one.responses]
        if not answered:
            return {}
        payload = _json([_asked(writing, entry, one) for entry, one in answered])
        first = answered[0][0].row - 1
        path = f"annotations/consolidated-annotation/consolidation-request/{ITERATION}/{writing.stamp}-{first}.json"
        writing.place.write(writing.name(path), payload)
        try:
            said = self.function.call(_event(writing, self.gateway.offer(payload)))
            return _understood(writing, dict(answered_rows(answered)), said)
        except (Failed, Invalid) as error:
            rows = f"rows {answered[0][0].row} to {answered[-1][0].row}"
            writing.failures.append(Problem(f"{rows}: {error.message}"))
            return {}


def answered_rows(answered: list[tuple[Entry, Object]]) -> Iterator[tuple[str, Object]]:
    """The objects by the ids that a function gets."""
    for entry, one in answered:
        yield str(entry.row - 1), one


def _event(writing: Writing, uri: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "labelingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:labeling-job/{writing.labeling.name}",
        "labelCategories": [one.name for one in writing.categories],
        "labelAttributeName": writing.labeling.attribute,
        "roleArn": ROLE,
        "payload": {"s3Uri": uri},
    }


def _asked(writing: Writing, entry: Entry, one: Object) -> dict[str, Any]:
    room = furnish(writing.job.kind, writing.job.settings)
    annotations = [
        {
            "workerId": response.worker,
            "annotationData": {"content": json.dumps(room.dump(room.parse(response.answer, {})), ensure_ascii=False)},
        }
        for response in one.responses
    ]
    place = {"s3Uri": entry.source} if entry.is_reference else {"content": entry.source}
    return {"datasetObjectId": str(entry.row - 1), "dataObject": place, "annotations": annotations}


def _understood(writing: Writing, asked: Mapping[str, Object], said: Any) -> dict[int, dict[str, Any]]:
    attribute, found = writing.labeling.attribute, {}
    if not isinstance(said, list):
        raise Invalid("the post-annotation function gave no list")
    for one in said:
        number = str(one.get("datasetObjectId")) if isinstance(one, dict) else ""
        part = one.get("consolidatedAnnotation") if number in asked else None
        content = part.get("content") if isinstance(part, dict) else None
        if not isinstance(content, dict) or attribute not in content:
            raise Invalid(f"the function's entry for object {number or '?'} has no {attribute!r} in its content")
        at = asked[number].at
        about = manifest.metadata("custom", writing.labeling.name, at) if at else {}
        found[int(number) + 1] = {attribute + METADATA: about, **content}
    return found


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
