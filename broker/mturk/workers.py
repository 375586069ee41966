"""Workers: blocked, let in again, written to."""

from broker.mturk.faults import invalid, missing
from broker.mturk.paging import after, paged, size
from broker.mturk.wire import Call, Json, operation
from broker.services import block
from broker.store import blocks, people
from broker.store.people import Person


def worker(call: Call, name: str) -> Person:
    """The worker of this id. Raises MTurkError."""
    found = people.by_public_id(call.unit, name)
    if found is None:
        raise missing("Worker", name)
    return found


@operation("CreateWorkerBlock")
def create_worker_block(call: Call) -> None:
    """Have no more work of a worker."""
    found = worker(call, call.params["WorkerId"])
    block.block(call.unit, call.requester.id, found.id, call.params["Reason"], call.now)


@operation("DeleteWorkerBlock")
def delete_worker_block(call: Call) -> None:
    """Let a worker in again; one who was not blocked is let in too."""
    block.unblock(call.unit, call.requester.id, worker(call, call.params["WorkerId"]).id)


@operation("ListWorkerBlocks", reads=True)
def list_worker_blocks(call: Call) -> Json:
    """Whom the requester has blocked, and why."""
    rows = blocks.blocks_of(call.unit, call.requester.id, after=after(call), limit=size(call))
    return paged(
        call,
        "WorkerBlocks",
        rows,
        lambda row: row[0].worker_id,
        lambda row: {"WorkerId": row[1].public_id, "Reason": row[0].reason},
    )


@operation("NotifyWorkers")
def notify_workers(call: Call) -> Json:
    """Write to workers; those who have never worked for the requester are told back."""
    names: list[str] = list(dict.fromkeys(call.params["WorkerIds"]))
    found = {name: people.by_public_id(call.unit, name) for name in names}
    readers = [one for one in found.values() if one is not None]
    if not 0 < len(names) <= block.MOST_READERS:
        raise invalid(f"Between 1 and {block.MOST_READERS} WorkerIds must be given.")
    if len(call.params["Subject"]) > block.LONGEST_SUBJECT or len(call.params["MessageText"]) > block.LONGEST_TEXT:
        raise invalid(
            f"Subject and MessageText may have {block.LONGEST_SUBJECT} and {block.LONGEST_TEXT} characters at most."
        )
    subject, text = call.params["Subject"], call.params["MessageText"]
    strangers = block.notify(call.unit, call.requester.id, readers, subject, text, call.now) if readers else []
    unsent = {one.public_id for one in strangers} | {name for name, one in found.items() if one is None}
    return {"NotifyWorkersFailureStatuses": [_failure(name) for name in names if name in unsent]}


def _failure(name: str) -> Json:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": f"You have never approved or rejected work of Worker {name}.",
        "WorkerId": name,
    }
