"""How a crowd of the chaos tests asks for work without a server: through the use cases, as the HIT page's door does."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from broker.errors import Conflict, NotFound
from broker.services import claim, submit
from broker.services import turn as express
from broker.store.express import Code


class RefusedError(Exception):
    """The broker answered, and said no."""


class AwayError(Exception):
    """Nobody knows whether it was done: the same again, until there is an answer."""


@dataclass(frozen=True)
class Lease:
    """A HIT that the worker holds."""

    turn: int | str
    seconds: float


@dataclass(frozen=True)
class Receipt:
    """What the broker acknowledged, and the next HIT if one was asked for and found."""

    repeated: bool
    late: bool
    following: Lease | None


class Turn(express.Turn):
    """A submission of which nothing need be shown."""

    def __init__(self, job, worker, now, sent):
        super().__init__(job, worker, None, now)
        self.sent = sent

    def read(self):
        return self.sent

    def show(self, given):
        pass


class Direct:
    """A worker's door without a server: each request is one unit on a store of our own."""

    def __init__(self, store, job, worker, secret):
        self.store, self.job, self.worker, self.secret = store, job, worker, secret
        self.facts = None

    def _done(self, work):
        try:
            with self.store.write() as unit:
                return work(unit, dt.datetime.now(dt.UTC))
        except (Conflict, NotFound) as error:
            raise RefusedError(error.message) from error
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise AwayError(repr(error)) from error

    def _claimed(self, unit, have, now):
        offer = claim.claim(unit, self.job, self.worker, have, now, self.secret)
        return offer and Lease(offer.assignment_id, (offer.deadline - now).total_seconds())

    def claim(self, have):
        return self._done(lambda unit, now: self._claimed(unit, have, now))

    def submit(self, turn, answer, seconds, *, more, have):
        kept = self._expressed(turn, answer, seconds, have) if more else None
        if kept is not None and kept.following is not None:
            return kept

        def work(unit, now):
            if kept is not None:
                return Receipt(repeated=False, late=kept.late, following=self._claimed(unit, have, now))
            receipt = submit.submit(unit, turn, self.worker, answer, seconds, now)
            return Receipt(receipt.repeated, receipt.late, self._claimed(unit, have, now) if more else None)

        return self._done(work)

    def _expressed(self, turn, answer, seconds, have):
        """The answer kept by the express lane, as the door tries it first; None if that was not for it to keep."""
        if self.facts is None:
            with self.store.read() as unit:
                self.facts = express.facts(unit, self.job)
        now = dt.datetime.now(dt.UTC)
        sent = express.Submitted(turn, answer, seconds, have, None)
        given = express.take(self.store.lane, Turn(self.facts, self.worker, now, sent), self.secret)
        if given is None or not given.kept:
            return None
        following = Lease(given.assignment, self.facts.lease_seconds) if given.code == Code.NEXT else None
        return Receipt(repeated=False, late=given.late, following=following)

    def extend(self, turn):
        self._done(lambda unit, now: submit.extend(unit, turn, self.worker, now))

    def give_back(self, turn):
        self._done(lambda unit, now: submit.give_back(unit, turn, self.worker, now))
