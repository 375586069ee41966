"""RANK: in an adaptive plan, HITs whose answers disagree go first to the workers whose answers tell most."""

from collections.abc import Mapping

from broker.rules.order import Rank
from broker.store import jobs, ranks
from broker.store.db import Unit
from broker.store.jobs import RUNNING

BATCH = 100
"""Workers of one transaction: on SQLite nobody else writes while it lasts."""


def rank(unit: Unit, job_id: int, found: Mapping[int, int]) -> int:
    """Let workers of lower rank pass over the uncertain HITs that are open now; how many workers were told of.

    In a unit of its own: it holds cursors, which workers' turns hold before the job.
    """
    job = jobs.job(unit, job_id)
    if not job.most or job.state not in RUNNING:
        return 0
    ranks.write(unit, job_id, {worker: Rank(one) for worker, one in found.items()}, job.next_pos)
    return len(found)
