"""What must hold whatever happened: counts every breach in a snapshot of the database and in what was acknowledged.

`breaches` holds at every moment, `unfinished` besides at the end, when the crowd has had its chance and is gone.
"""

from collections import Counter, defaultdict

from broker.rules import ledger
from broker.store.work import ACTIVE, ANSWERED, Turn

SORTS = (
    "over",
    "under",
    "double",
    "stuck",
    "lost",
    "duplicate_accepted",
    "conflict_missed",
    "leaked",
    "passed_by",
    "unbalanced",
    "miscounted",
)
"""Answers beyond the plan · missing from it · of one worker on one HIT · HITs nobody can finish · acknowledged answers
that are gone or changed · acknowledged twice as new · acknowledged beside a different one · seats that are neither
answered nor leased · open HITs behind the cursor of a worker who never had them · accounts and counters that differ
from the transfers and assignments they sum up."""


def breaches(now, notes=()):
    """How often each promise is broken in this snapshot, given what was acknowledged before it was taken."""
    active, answered = _by_hit(now, ACTIVE), _by_hit(now, ANSWERED)
    found = Counter()
    for hit in _plain(now):
        seats, held = _seats(now, hit), len(active[hit.id])
        found["over"] += max(0, len(answered[hit.id]) - seats)
        found["leaked"] += abs(hit.taken - held)
        found["stuck"] += hit.open != (held < seats)
    for turns in active.values():
        found["double"] += len(turns) - len({turn.worker_id for turn in turns})
    found["passed_by"] = _passed_by(now, active)
    found += _acknowledged(now, notes)
    found["unbalanced"] += _unbalanced(now)
    found["miscounted"] += _miscounted(now)
    return +found


def unfinished(now):
    """What is left to do although the job should be finished: answers, HITs, leases, pay, money set aside."""
    answered = _by_hit(now, ANSWERED)
    missing = [_seats(now, hit) - len(answered[hit.id]) for hit in _plain(now)]
    states = Counter(turn.state for turn in now.turns.values())
    found = Counter(under=sum(max(0, one) for one in missing), stuck=sum(one > 0 for one in missing))
    found["stuck"] += states[Turn.ACCEPTED] + states[Turn.SUBMITTED]
    found["unbalanced"] += now.accounts.get(ledger.escrow(now.job.id), 0) != 0
    return +found


def _plain(now):
    return [hit for hit in now.hits.values() if hit.gold_no is None]


def _seats(now, hit):
    return now.job.redundancy + hit.extra


def _by_hit(now, states):
    found = defaultdict(list)
    for turn in now.turns.values():
        if turn.state in states:
            found[turn.hit_id].append(turn)
    return found


def _passed_by(now, active):
    waiting = [hit for hit in _plain(now) if hit.open]
    return sum(
        hit.pos <= cursor.pos[hit.band] and cursor.worker_id not in {turn.worker_id for turn in active[hit.id]}
        for hit in waiting
        for cursor in now.cursors
    )


def _acknowledged(now, notes):
    found = Counter()
    told = defaultdict(list)
    for note in notes:
        if note["what"] == "acknowledged":
            told[note["turn"]].append(note)
    for turn_id, acknowledged in told.items():
        kept = now.turns.get(turn_id)
        fresh = [note for note in acknowledged if not note["repeated"]]
        found["duplicate_accepted"] += max(0, len(fresh) - 1)
        found["conflict_missed"] += len({str(note["answer"]) for note in acknowledged}) - 1
        found["lost"] += any(not _kept(note, kept) for note in acknowledged)
    return found


def _kept(note, kept):
    if kept is None or kept.state not in ANSWERED or kept.worker_id != note["worker"]:
        return False
    # A repeated answer may have been timed anew; the first one's time counts.
    return kept.answer == note["answer"] and (note["repeated"] or kept.seconds == note["seconds"])


def _unbalanced(now):
    sums = Counter()
    for one in now.transfers:
        sums[one.source] -= one.amount
        sums[one.target] += one.amount
    names = now.accounts.keys() | sums.keys()
    wrong = sum(now.accounts.get(name) != sums[name] for name in names)
    paid = {one.ref for one in now.transfers if one.source == ledger.escrow(now.job.id) and "reward" in one.ref}
    earned = {f"reward:{turn.id}" for turn in now.turns.values() if turn.state == Turn.APPROVED and turn.reward}
    return wrong + len(paid ^ earned) + (sum(now.accounts.values()) != 0)


def _miscounted(now):
    turns, job = now.turns.values(), now.job
    judged = [turn for turn in turns if turn.judged]
    by_hit = Counter(turn.hit_id for turn in judged if not turn.gold)
    mine, served = Counter(turn.worker_id for turn in turns if turn.state in ANSWERED), Counter()
    served.update(turn.worker_id for turn in turns)
    gold_out = sum(turn.gold and turn.state in ACTIVE for turn in turns)
    gold_paid = ledger.gold_answers(job.hits, job.redundancy, job.gold_percent) if job.golds else 0
    return (
        (job.answers != len(judged))
        + (job.done != sum(hit.done for hit in _plain(now)))
        + (job.gold_left + gold_out != gold_paid)
        + sum(hit.answered != by_hit[hit.id] for hit in _plain(now))
        + sum(hit.done != (hit.answered >= _seats(now, hit)) for hit in _plain(now))
        + sum(cursor.answered != mine[cursor.worker_id] for cursor in now.cursors)
        + sum(cursor.served != served[cursor.worker_id] for cursor in now.cursors)
        + len(mine.keys() - {cursor.worker_id for cursor in now.cursors})
    )
