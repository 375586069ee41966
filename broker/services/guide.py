"""GUIDE: what workers are told about a job: written, illustrated, changed while they work, and told to them."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from broker.errors import Conflict, Invalid, NotFound, Problem
from broker.formats import images
from broker.formats.limits import MIB, Limits
from broker.rules import revision
from broker.rules.revision import Line
from broker.store import guides, jobs
from broker.store.db import Unit
from broker.store.guides import Picture
from broker.store.jobs import Job, JobState

LONGEST_TEXT, LONGEST_EXAMPLE = 50_000, 500
MOST_EXAMPLES, MOST_PICTURES = 100, 100
PICTURE = Limits(image_bytes=8 * MIB, image_pixels=24_000_000)
ENDED = (JobState.STOPPED, JobState.DONE)


@dataclass(frozen=True)
class Example:
    """An answer as a model or a warning: its label, if it is about one; a text, a picture's public id, or both."""

    label: str
    right: bool
    text: str
    picture: str = ""


@dataclass(frozen=True)
class Written:
    """A guide as it was filled in; `version` is the one it was made from."""

    version: int
    text: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class News:
    """What changed since the version a worker knows: lines of the text, and examples that came and went."""

    since: int
    version: int
    lines: Sequence[Line]
    added: Sequence[Example]
    removed: Sequence[Example]

    @property
    def pictures(self) -> list[str]:
        """The public ids of all pictures in it."""
        shown = [part.picture for line in self.lines for part in line]
        return [one for one in [*shown, *(each.picture for each in (*self.added, *self.removed))] if one]


def examples(kept: Sequence[dict[str, Any]]) -> list[Example]:
    """Examples as the database has them."""
    return [Example(**one) for one in kept]


def save(unit: Unit, job_id: int, requester_id: int, written: Written, now: dt.datetime) -> bool:
    """Keep a guide; of a job that is published as a new version. Gives whether that is news to workers.

    Raises Invalid naming the fields, NotFound, Conflict if somebody else changed the guide meanwhile.
    """
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    _check(job, written)
    if job.guide_version != written.version:
        raise Conflict("This guide was changed meanwhile, in another window perhaps. Reload the page to see it.")
    fresh = [asdict(one) for one in written.examples]
    if (job.guide, job.examples) == (written.text.strip(), fresh):
        return False
    news = job.state != JobState.DRAFT
    if news:
        if job.guide_version == 1:
            guides.write(unit, job, job.published_at or job.created_at)
        job.guide_version += 1
    job.guide, job.examples = written.text.strip(), fresh
    if news:
        guides.write(unit, job, now)
    return news


def _check(job: Job, written: Written) -> None:
    problems = []
    if len(written.text) > LONGEST_TEXT:
        problems.append(Problem(f"write at most {LONGEST_TEXT:,} characters", column="guide"))
    if len(written.examples) > MOST_EXAMPLES:
        problems.append(Problem(f"give at most {MOST_EXAMPLES} examples", column="examples"))
    known = {"", *labels(job)}
    for number, one in enumerate(written.examples):
        fault = _fault(one, known)
        if fault:
            problems.append(Problem(fault, column=f"example.{number}"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)


def _fault(one: Example, known: set[str]) -> str | None:
    if not one.text.strip() and not one.picture:
        return "write the example, or choose its picture"
    if len(one.text) > LONGEST_EXAMPLE:
        return f"write at most {LONGEST_EXAMPLE} characters"
    return None if one.label in known else f"{one.label[:100]!r} is no label of this job"


def labels(job: Job) -> list[str]:
    """The names of the labels that the job's settings have, as far as they can be read."""
    found = job.settings.get("labels", ())
    named = [one.get("name") if isinstance(one, dict) else one for one in found if isinstance(one, dict | str)]
    return [str(one) for one in named if one]


def picture(unit: Unit, job_id: int, requester_id: int, kept: tuple[str, images.Picture], now: dt.datetime) -> Picture:
    """Keep a verified picture, whose file is under this key, for a job's guide. Raises NotFound, Invalid."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if len(guides.pictures(unit, job.id)) >= MOST_PICTURES:
        raise Invalid(f"a guide has at most {MOST_PICTURES} pictures", problems=[Problem("too many", column="picture")])
    key, found = kept
    row = Picture(job_id=job.id, file=f"{key}.{found.sort}", width=found.width, height=found.height, created_at=now)
    return guides.add_picture(unit, row)


def verified(content: bytes) -> images.Picture:
    """A picture as it is kept: upright, without metadata. Raises Invalid."""
    if len(content) > PICTURE.image_bytes:
        message = f"has more than {PICTURE.image_bytes:,} bytes"
        raise Invalid(f"the picture {message}", problems=[Problem(message, column="picture")])
    try:
        return images.take(content, PICTURE)
    except Invalid as error:
        raise Invalid(error.message, problems=[Problem(error.message, column="picture")]) from error


def news(unit: Unit, job: Job, worker_id: int, since: int | None = None) -> News | None:
    """What a worker who has seen an older guide is to be told before they go on; `since` is what their page shows."""
    if job.guide_version == 1:
        return None
    known = guides.seen(unit, job.id, worker_id) if since is None else since
    return between(unit, job.id, known, job.guide_version) if 0 < known < job.guide_version else None


def between(unit: Unit, job_id: int, since: int, number: int) -> News | None:
    """What changed from one version to another; None if either was never kept."""
    old, new = guides.version(unit, job_id, since), guides.version(unit, job_id, number)
    if old is None or new is None:
        return None
    before, after = examples(old.examples), examples(new.examples)
    came, went = [one for one in after if one not in before], [one for one in before if one not in after]
    return News(since, number, revision.changes(old.text, new.text), came, went)


def acknowledge(unit: Unit, job_id: int, worker_id: int, number: int, now: dt.datetime) -> None:
    """A worker has seen this version. Raises NotFound for a draft, Invalid for a version there never was."""
    job = jobs.published(unit, job_id)
    if not 1 <= number <= job.guide_version:
        raise Invalid("version: there is no such version of this guide")
    if job.guide_version > 1:
        guides.see(unit, job_id, worker_id, number, now)


def shown_pictures(unit: Unit, job_id: int, names: Sequence[str], read: Callable[[str], int]) -> dict[str, Picture]:
    """The job's pictures among these public ids; `read` gives the row id of one, and raises NotFound."""
    rows = {}
    for name in names:
        try:
            rows[read(name)] = name
        except NotFound:
            continue
    return {rows[one.id]: one for one in guides.pictures(unit, job_id, rows)} if rows else {}
