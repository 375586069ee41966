"""Every table, known by importing its module: who writes one row needs the tables it refers to as well."""

from sqlalchemy.orm import configure_mappers

from broker.store import (
    beliefs,
    blocks,
    errands,
    exports,
    guides,
    jobs,
    keys,
    labelings,
    layouts,
    live,
    money,
    notices,
    people,
    policies,
    posted,
    qualifications,
    remembered,
    requirements,
    reviews,
    schedule,
    talk,
    work,
)
from broker.store.db import Rows

TABLES = (
    *(people, jobs, work, money, beliefs, talk, errands, exports, guides, schedule, live),
    *(keys, remembered, posted, reviews, blocks, labelings, layouts),
    *(qualifications, requirements, policies, notices),
)
METADATA = Rows.metadata


def know_all() -> None:
    """Join the tables, also in a process whose own code names only some of them."""
    configure_mappers()
