"""INTAKE: a file on its way into a draft: looked at, read by an errand row by row, reviewed, kept or given up."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO

from broker.errors import BrokerError, Conflict, Invalid, NotFound, Problem
from broker.formats import detect
from broker.formats import zip as zip_
from broker.formats.limits import MIB, Limits
from broker.formats.rows import Block, Bookmark, Piece, Row
from broker.store import dataset, errands, jobs
from broker.store.db import Unit
from broker.store.jobs import Job, JobState, Upload, UploadState

BATCH_ROWS = 5000
BATCH_BYTES = 16 * MIB
MOST_COLUMNS = 200
IMAGE, AUDIO, VIDEO, GOLD = "_image", "_audio", "_video", "_gold"
MEDIA = "_media"
"""What is known of a row's files, by the column that names each: file, medium, sort, and its facts."""
Keep = Callable[[str, bytes | IO[bytes]], None]
LONGEST_NAME = 300


@dataclass(frozen=True)
class Arrival:
    """A file that has arrived: the name its owner gave it, where it is kept, and its bytes."""

    name: str
    file: str
    size: int


@dataclass(frozen=True)
class Reading:
    """An upload that is to be read: from where, and where its images and recordings go."""

    name: str
    file: str
    bookmark: Bookmark

    @property
    def images(self) -> str:
        """The folder of the upload's images and recordings; its name is as hard to guess as the file's."""
        return f"images/{self.file.rpartition('/')[2]}"


@dataclass
class Batch:
    """Rows as texts that are kept in one transaction, and the problems that stand between them.

    `start` is the bookmark before them and `end` the one after them, None where the file has ended.
    """

    start: Bookmark
    end: Bookmark | None = None
    rows: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    size: int = 0


def limits(upload_bytes: int, row_limit: int) -> Limits:
    """The readers' limits in an installation."""
    return Limits(bytes=upload_bytes, rows=row_limit, fields=MOST_COLUMNS)


def look(name: str, stream: BinaryIO, most: Limits) -> None:
    """A first look at a file that has just come in. Raises Invalid for one that cannot be read at all."""
    reader = detect.reader_for(name, stream.read(detect.HEAD))
    stream.seek(0)
    if reader.name == "zip":
        check_columns(zip_.look(stream, most))
    elif reader.name != "parquet":  # its library is for the errands alone: 60 MB that a web process does without
        check_columns(detect.sample(reader, stream, limits=most).columns)


def receive(unit: Unit, job_id: int, requester_id: int, arrival: Arrival, now: dt.datetime) -> tuple[Upload, list[str]]:
    """Take a file for a draft in place of all its rows; the upload, and the keys of files nobody needs any more.

    Raises NotFound for a stranger's job, Conflict for one that is published.
    """
    job = _draft(unit, job_id, requester_id)
    leftovers = _empty(unit, job, now)
    upload = Upload(job_id=job_id, name=arrival.name[:LONGEST_NAME], file=arrival.file, size=arrival.size)
    upload.created_at = now
    unit.session.add(upload)
    unit.session.flush()
    errands.later(unit, "import", upload.id, now)
    return upload, leftovers


def begin(unit: Unit, upload_id: int) -> Reading | None:
    """Where the reading of an upload goes on; None if there is nothing to read any more."""
    found = jobs.hold_upload(unit, upload_id)
    if found is None or found[1].state not in (UploadState.WAITING, UploadState.READING):
        return None
    _, upload = found
    upload.state = UploadState.READING
    return Reading(upload.name, upload.file, _bookmark(upload))


def _bookmark(upload: Upload) -> Bookmark:
    return Bookmark(upload.bookmark_offset, upload.rows_read)


def read(reading: Reading, stream: BinaryIO, most: Limits, keep_file: Keep) -> Iterator[tuple[Batch, int]]:
    """The rest of the upload in batches, each with the bytes read so far; files are kept before their rows are.

    Raises Invalid for a file that cannot be read on.
    """
    reader = detect.reader_for(reading.name, stream.read(detect.HEAD))
    stream.seek(0)
    pieces = (reader.read_whole or reader.read)(stream, reading.bookmark, most)
    for batch in _batches(pieces, reading, keep_file):
        yield batch, stream.tell()


def _batches(pieces: Iterable[Piece], reading: Reading, keep_file: Keep) -> Iterator[Batch]:
    batch = Batch(reading.bookmark)
    for piece in pieces:
        if isinstance(piece, Problem):
            batch.problems.append(piece)
            continue
        rest: Row | Block | None = piece
        while rest is not None:
            if isinstance(rest, Block):
                part, rest = rest.cut(BATCH_ROWS - len(batch.rows))
                end = _add_block(batch, part)
            else:
                end, rest = _add(batch, rest, reading.images, keep_file), None
            # A batch ends with a row: problems after it would be met again by who goes on from its bookmark.
            if len(batch.rows) >= BATCH_ROWS or batch.size >= BATCH_BYTES:
                batch.end = end
                yield batch
                batch = Batch(end)
    yield batch


def _add(batch: Batch, row: Row, folder: str, keep_file: Keep) -> Bookmark:
    payload = row.payload
    _meet(batch, payload)
    if row.files:
        payload = {**payload, **_kept(row, folder, keep_file)}
        batch.columns |= {name: None for name in payload if name in (IMAGE, AUDIO, VIDEO)}
        batch.size += sum(_size(one.content) for one in row.files.values())
    text = dataset.text(payload)
    batch.rows.append((row.number, text))
    batch.size += len(text)
    return Bookmark(row.offset, row.number)


def _add_block(batch: Batch, block: Block) -> Bookmark:
    _meet(batch, dict.fromkeys(block.names))
    texts = dataset.texts(block.names, block.rows)
    batch.rows.extend(enumerate(texts, block.number))
    batch.size += sum(map(len, texts))
    return Bookmark(block.offsets[-1], block.number + len(texts) - 1)


def _meet(batch: Batch, names: Mapping[str, Any]) -> None:
    if not names.keys() <= batch.columns.keys():
        check_columns(names)
        batch.columns |= dict.fromkeys(names)


def _kept(row: Row, folder: str, keep_file: Keep) -> dict[str, Any]:
    """Keep a row's files; what its payload gets: the first file of each medium in its own column, and their facts."""
    first, media = dict[str, str](), dict[str, Any]()
    for column, one in row.files.items():
        # The same file always gets the same key: a reading that is cut short and repeated leaves nothing behind.
        key = f"{folder}/{one.number // 1000}/{one.number}"
        if one.content is not None:
            keep_file(key, one.content)
        name = f"_{one.medium}"
        first.setdefault(name, f"{key}.{one.sort}")
        media[column or name] = {"file": f"{key}.{one.sort}", "medium": one.medium, **one.facts}
    return {**first, MEDIA: media}


def _size(content: bytes | IO[bytes] | None) -> int:
    if content is None or isinstance(content, bytes):
        return len(content or b"")
    return content.seek(0, 2)


def check_columns(names: Iterable[str]) -> None:
    """Raises Invalid naming the first column that cannot be used."""
    for name in names:
        fault = _name_fault(name)
        if fault:
            raise Invalid(f"column {name[:100]!r}: {fault}", problems=[Problem(fault, column=name[:100])])


def _name_fault(name: str) -> str | None:
    if name.startswith("_"):
        return "names that begin with _ are reserved; give the column another name"
    if not name.isprintable() or '"' in name or "\\" in name:
        return 'a name may not hold ", \\ or control characters; give the column another name'
    return None if name.strip() else "the column has no name"


def keep(unit: Unit, upload_id: int, batch: Batch, bytes_read: int, now: dt.datetime) -> bool:
    """Keep a batch and note how far the reading is; False if somebody else read on or gave the upload up meanwhile.

    Raises Invalid for too many columns.
    """
    found = jobs.hold_upload(unit, upload_id)
    if found is None or found[1].state != UploadState.READING or _bookmark(found[1]) != batch.start:
        return False
    job, upload = found
    _add_columns(job, batch.columns)
    upload.good += dataset.write(unit, job.id, batch.rows)
    upload.bad += len(batch.problems)
    jobs.write_faults(unit, upload.id, batch.problems)
    upload.bytes_read = min(bytes_read, upload.size)
    if batch.end is None:
        _finish(upload, now)
    else:
        upload.bookmark_offset, upload.rows_read = batch.end
    return True


def _add_columns(job: Job, columns: dict[str, None]) -> None:
    together = dict.fromkeys([*job.columns, *columns])
    if len(together) > MOST_COLUMNS:
        raise Invalid(f"The rows have more than {MOST_COLUMNS} different columns.")
    if len(together) > len(job.columns):
        job.columns = list(together)


def _finish(upload: Upload, now: dt.datetime) -> None:
    upload.bytes_read, upload.rows_read = upload.size, upload.good + upload.bad
    upload.finished_at = now
    upload.state = UploadState.REVIEW if upload.bad else UploadState.KEPT
    if not upload.good:
        upload.state, upload.message = UploadState.FAILED, "Not one row of the file can be used."


def fail(unit: Unit, upload_id: int, error: BrokerError, now: dt.datetime) -> None:
    """Give up an upload that cannot be read, with what is wrong with it; none of its rows stay."""
    found = jobs.hold_upload(unit, upload_id)
    if found is None or found[1].state not in (UploadState.WAITING, UploadState.READING):
        return
    job, upload = found
    dataset.remove(unit, job.id)
    job.columns = []
    jobs.write_faults(unit, upload.id, error.problems)
    upload.state, upload.message, upload.finished_at = UploadState.FAILED, error.message[:1000], now


def leftovers(unit: Unit, upload_id: int, reading: Reading) -> list[str]:
    """The keys of files that nobody needs any more after a reading; its images among them if its rows are given up."""
    found = jobs.hold_upload(unit, upload_id)
    if found is None or found[1].state in (UploadState.FAILED, UploadState.DISCARDED):
        return [reading.file, reading.images]
    return [] if found[1].state == UploadState.READING else [reading.file]


def keep_good(unit: Unit, job_id: int, requester_id: int, upload_id: int) -> None:
    """Keep the good rows of a reviewed upload. Raises NotFound, Conflict if there is nothing to decide."""
    _draft(unit, job_id, requester_id)
    upload = own_upload(unit, job_id, upload_id)
    if upload.state != UploadState.REVIEW:
        raise Conflict("There is nothing to decide about this file any more.")
    upload.state = UploadState.KEPT


def discard(unit: Unit, job_id: int, requester_id: int, upload_id: int, now: dt.datetime) -> list[str]:
    """Give up an upload and its rows; the keys of files nobody needs any more. Raises NotFound, Conflict."""
    job = _draft(unit, job_id, requester_id)
    upload = own_upload(unit, job_id, upload_id)
    if upload.state in (UploadState.DISCARDED, UploadState.FAILED):
        raise Conflict("This file was given up already.")
    return _empty(unit, job, now)


def own_upload(unit: Unit, job_id: int, upload_id: int) -> Upload:
    """The upload, if it belongs to this job. Raises NotFound."""
    upload = jobs.upload(unit, upload_id)
    if upload.job_id != job_id:
        raise NotFound("There is no such upload.")
    return upload


def _draft(unit: Unit, job_id: int, requester_id: int) -> Job:
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if job.state != JobState.DRAFT:
        raise Conflict("This job is published: its data cannot be changed any more.")
    return job


def _empty(unit: Unit, job: Job, now: dt.datetime) -> list[str]:
    files = jobs.discard_uploads(unit, job.id, now)
    dataset.remove(unit, job.id)
    job.columns = []
    if job.gold_column == GOLD:
        job.gold_column = ""
    return [key for file in files for key in (file, Reading("", file, Bookmark()).images)]
