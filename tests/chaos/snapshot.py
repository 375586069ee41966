"""All rows of a job, its people and its money as they were at one moment."""

from dataclasses import dataclass

import sqlalchemy as sa

from broker.store.jobs import Job
from broker.store.money import Account, Entry
from broker.store.work import Assignment, Cursor, Hit


@dataclass(frozen=True)
class Snapshot:
    """What the database holds of one job."""

    job: sa.Row
    hits: dict
    turns: dict
    cursors: list
    accounts: dict
    transfers: list


def take(engine, job_id):
    """Read everything in one transaction that sees one moment."""
    isolation = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**isolation) as connection, connection.begin():

        def rows(table, *where):
            return connection.execute(sa.select(table.__table__).where(*where)).all()

        hits = rows(Hit, Hit.job_id == job_id)
        turns = rows(Assignment, Assignment.job_id == job_id)
        return Snapshot(
            job=rows(Job, Job.id == job_id)[0],
            hits={row.id: row for row in hits},
            turns={row.id: row for row in turns},
            cursors=rows(Cursor, Cursor.job_id == job_id),
            accounts={row.name: row.balance for row in rows(Account)},
            transfers=rows(Entry),
        )
