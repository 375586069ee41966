"""SETTLE: approve what was judged, pay it, and give the rest of an ended job's money back."""

import datetime as dt

from broker.rules import ledger
from broker.store import jobs, money, reviews, turns
from broker.store.db import Unit
from broker.store.jobs import ENDED, Hold, Job
from broker.store.money import balance

BATCH = 100
"""Answers of one transaction: on SQLite nobody else writes while it lasts."""


def settle(unit: Unit, job_id: int, now: dt.datetime) -> int:
    """Approve and pay a batch of judged answers; how many (fewer than BATCH: none are left).

    Everybody is paid: a bad answer is weighed down by the statistics, not unpaid. Only answers whose requester wanted
    to look at them first are left to REVIEW.
    """
    job = jobs.job(unit, job_id)
    if job.state in ENDED:
        job = jobs.job(unit, job_id, Hold.ALONE)  # who still takes or gives back work must be seen
    rows = turns.undecided(unit, job_id, limit=BATCH)
    turns.approve(unit, [row.id for row in rows], now)
    transfers = [one for row in rows for one in ledger.pay(job_id, row.worker_id, row.id, row.reward)]
    money.transfer(unit, transfers, now)
    if len(rows) < BATCH:
        _close(unit, job, now)
    return len(rows)


def _close(unit: Unit, job: Job, now: dt.datetime) -> None:
    """Give back what an ended job did not cost, once nobody works on it any more."""
    if job.state not in ENDED or turns.outstanding(unit, job.id):
        return
    # What was rejected and may still be overturned stays; REVIEW gives it back.
    rest = balance(unit, ledger.escrow(job.id)) - reviews.disputed(unit, job.id)
    ref = f"refund:{job.id}:{job.answers}:{rest}"
    money.transfer(unit, ledger.refund(job.id, job.requester_id, rest, ref), now)
