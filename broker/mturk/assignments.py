"""Assignments: read, listed, approved, rejected; and bonuses for them."""

from broker.formats.questions import Question, write_answers
from broker.kinds.page import QUESTION
from broker.mturk import hits
from broker.mturk.account import amount
from broker.mturk.faults import MTurkError, about, invalid, missing
from broker.mturk.paging import after, paged, size
from broker.mturk.wire import Call, Json, operation, seconds
from broker.services import bonus, review
from broker.store import people, posted, remembered, reviews
from broker.store.jobs import Job
from broker.store.reviews import Bonus, Decision
from broker.store.work import Assignment, Hit, Turn

Answered = tuple[Assignment, Hit, str]


def _shown(call: Call, found: Answered, job: Job, decision: Decision | None) -> Json:
    turn, hit, worker = found
    said: Json = {
        "AssignmentId": call.shown("T", turn.id),
        "WorkerId": worker,
        "HITId": call.shown("H", hit.id),
        "AssignmentStatus": turn.state.title(),
        "AcceptTime": seconds(turn.accepted_at),
        "Deadline": seconds(turn.deadline),
        "Answer": _answer(turn, hit, job),
    }
    if turn.submitted_at is not None:
        said["SubmitTime"] = seconds(turn.submitted_at)
        said["AutoApprovalTime"] = seconds(turn.submitted_at) + (job.approval_seconds or 0)
    if turn.decided_at is not None and turn.state != Turn.SUBMITTED:
        approved = turn.state == Turn.APPROVED
        said["ApprovalTime" if approved else "RejectionTime"] = seconds(turn.decided_at)
    if decision is not None and decision.feedback:
        said["RequesterFeedback"] = decision.feedback
    return said


def _answer(turn: Assignment, hit: Hit, job: Job) -> str:
    asked, page = hit.payload.get(QUESTION), job.settings.get("template")
    question = Question(**asked) if asked else Question("html", content=page) if page else None
    return write_answers(question, turn.answer or {})


@operation("GetAssignment", reads=True)
def get_assignment(call: Call) -> Json:
    """One submitted assignment with its HIT."""
    name = call.params["AssignmentId"]
    with about("Assignment", name):
        turn_id = call.broker.names("T").read(name)
    job = _job(call, turn_id, name)
    found = reviews.answers(call.unit, Assignment.id == turn_id)[0]
    line = posted.one(call.unit, found[1].id, call.requester.id, call.now)
    said = {"Assignment": _shown(call, found, job, reviews.latest(call.unit, [turn_id]).get(turn_id))}
    return said if line is None else said | {"HIT": hits.shown(call, line)}


def _job(call: Call, turn_id: int, name: str) -> Job:
    found = reviews.answered(call.unit, turn_id, call.requester.id)
    if found is None:
        raise missing("Assignment", name)
    return found[1]


@operation("ListAssignmentsForHIT", reads=True)
def list_assignments(call: Call) -> Json:
    """The submitted assignments of a HIT, of all states or of some."""
    line = hits.found(call, call.params["HITId"])
    wanted = [Turn(one.lower()) for one in call.params.get("AssignmentStatuses", [])]
    where = [Assignment.hit_id == line.hit.id, *([Assignment.state.in_(wanted)] if wanted else [])]
    rows = reviews.answers(call.unit, *where, after=after(call), limit=size(call))
    decisions = reviews.latest(call.unit, [row[0].id for row in rows])
    return paged(
        call,
        "Assignments",
        rows,
        lambda row: row[0].id,
        lambda row: _shown(call, row, line.job, decisions.get(row[0].id)),
    )


@operation("ApproveAssignment")
def approve_assignment(call: Call) -> None:
    """Approve an answer; with OverrideRejection also one that was rejected."""
    name = call.params["AssignmentId"]
    approve = review.override if call.params.get("OverrideRejection") else review.approve
    with about("Assignment", name):
        turn_id = call.broker.names("T").read(name)
        approve(call.unit, turn_id, call.requester.id, call.params.get("RequesterFeedback", ""), call.now)


@operation("RejectAssignment")
def reject_assignment(call: Call) -> None:
    """Reject an answer, in the requester's own words."""
    name = call.params["AssignmentId"]
    with about("Assignment", name):
        turn_id = call.broker.names("T").read(name)
        review.reject(call.unit, turn_id, call.requester.id, call.params["RequesterFeedback"], call.now)


@operation("SendBonus")
def send_bonus(call: Call) -> None:
    """Give the worker of an assignment something on top."""
    params, name, token = call.params, call.params["AssignmentId"], call.params.get("UniqueRequestToken")
    if token is not None and remembered.begin(call.unit, call.requester.id, "bonus", token, call.now) is not None:
        raise MTurkError("InvalidParameterValue", f"A bonus was already sent with the UniqueRequestToken {token}.")
    with about("Assignment", name):
        turn_id = call.broker.names("T").read(name)
        worker = people.by_public_id(call.unit, params["WorkerId"])
        found = reviews.answered(call.unit, turn_id, call.requester.id)
        if found is None:
            raise missing("Assignment", name)
        if worker is None or found[0].worker_id != worker.id:
            raise invalid(f"Assignment {name} is not one of Worker {params['WorkerId']}.")
        given = hits.micros(params["BonusAmount"])
        bonus.give(call.unit, turn_id, call.requester.id, given, params["Reason"], call.now)


@operation("ListBonusPayments", reads=True)
def list_bonus_payments(call: Call) -> Json:
    """The bonuses for a HIT, or for an assignment."""
    hit, turn = call.params.get("HITId"), call.params.get("AssignmentId")
    if (hit is None) == (turn is None):
        raise invalid("Either HITId or AssignmentId must be given, and not both.")
    if hit is not None:
        where = Bonus.hit_id == hits.found(call, hit).hit.id
    else:
        with about("Assignment", turn or ""):
            turn_id = call.broker.names("T").read(turn or "")
        where = Bonus.assignment_id == turn_id
        _job(call, turn_id, turn or "")
    rows = reviews.bonuses(call.unit, where, after=after(call), limit=size(call))
    workers = people.public_ids(call.unit, {one.worker_id for one in rows})
    return paged(call, "BonusPayments", rows, lambda one: one.id, lambda one: _bonus(call, one, workers))


def _bonus(call: Call, one: Bonus, workers: dict[int, str]) -> Json:
    return {
        "WorkerId": workers[one.worker_id],
        "BonusAmount": amount(one.amount),
        "AssignmentId": call.shown("T", one.assignment_id),
        "Reason": one.reason,
        "GrantTime": seconds(one.at),
    }
