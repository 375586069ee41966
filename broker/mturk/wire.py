"""The wire of the Requester API: JSON 1.1 over one address, signed requests, one transaction for each.

An operation is a function from a Call to the JSON of its answer, registered under its name by `@operation`. What
writes is done once for one `amz-sdk-invocation-id`: SDKs repeat a call that they got no answer to under the same id,
and are given what the first one came to.
"""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolEmpty

from broker.errors import BrokerError
from broker.mturk import shapes, signature
from broker.mturk.faults import MTurkError, translated
from broker.services import expire, keys, review, submit
from broker.store import posted, remembered, reviews, turns
from broker.store.db import EPOCH, Unit
from broker.store.people import Person
from broker.wiring import Broker

log = structlog.get_logger()
blueprint = Blueprint("mturk", __name__)
VERSION = "MTurkRequesterServiceV20170117"
CONTENT = "application/x-amz-json-1.1"
LONGEST_BODY = 4 << 20
Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request that was believed: the transaction it runs in, who asks, and what for, checked and typed."""

    unit: Unit
    broker: Broker
    requester: Person
    params: Json
    now: dt.datetime

    def shown(self, prefix: str, row_id: int) -> str:
        """The public id of a row: H for HITs, T for assignments, J for HIT types."""
        return self.broker.names(prefix).show(row_id)


@dataclass(frozen=True)
class Operation:
    """What is done for a call, and whether it writes."""

    run: Callable[[Call], Json | None]
    writes: bool


OPERATIONS: dict[str, Operation] = {}


def operation(name: str, *, reads: bool = False) -> Callable[[Callable[[Call], Json | None]], Callable[[Call], Any]]:
    """Register the function that answers the operation of this name; one that only `reads` waits for no writer."""

    def register(run: Callable[[Call], Json | None]) -> Callable[[Call], Any]:
        OPERATIONS[name] = Operation(run, writes=not reads)
        return run

    return register


def seconds(moment: dt.datetime) -> float:
    """A time as it goes over the wire: seconds since 1970, to the millisecond."""
    return round((moment - EPOCH).total_seconds(), 3)


@blueprint.post("/mturk")
@blueprint.post("/mturk/")
@blueprint.post("/")
def answer() -> Response:
    """Answer one call; `/` is for clients that cannot be told a path."""
    broker: Broker = current_app.config["BROKER"]
    try:
        return _said(200, _answered(broker))
    except MTurkError as error:
        return _said(error.http, error.body(), error.sort)
    except BrokerError as error:
        refusal = translated(error)
        return _said(refusal.http, refusal.body(), refusal.sort)
    except (DBAPIError, PoolEmpty):
        log.exception("a call of the Requester API met no database")
        fault = MTurkError(
            "ServiceFault", "The service is not available right now. Try again.", 503, sort="ServiceFault"
        )
        return _said(503, fault.body(), fault.sort)
    except Exception:
        log.exception("a call of the Requester API failed")
        fault = MTurkError(
            "ServiceFault", "This is a fault of ours; it was written to the server's log.", 500, sort="ServiceFault"
        )
        return _said(500, fault.body(), fault.sort)


def _said(status: int, body: Json, sort: str = "") -> Response:
    made = Response(json.dumps(body, ensure_ascii=False), status, content_type=CONTENT)
    made.headers["x-amzn-RequestId"] = secrets.token_hex(16)
    made.headers["Cache-Control"] = "no-store"
    if sort:
        made.headers["x-amzn-ErrorType"] = sort
    return made


def _answered(broker: Broker) -> Json:
    signed, now = _received(), broker.now()
    requester = _believed(broker, signed, now)  # nothing that a stranger sent is read as JSON
    name = _operation(signed.headers.get("x-amz-target", ""))
    return perform(broker, requester, name, _parsed(signed.body), _identity(signed, name))


def perform(broker: Broker, requester: Person, name: str, body: Any, identity: str | None = None) -> Json:
    """Do one operation for a requester; `identity` is what two tries of one call have in common.

    Raises MTurkError, and BrokerError where the operation has no words of its own.
    """
    now, wanted, params = broker.now(), OPERATIONS[name], shapes.read(name, body)
    _catch_up(broker, now)
    if not wanted.writes:
        with broker.store.read() as unit:
            return wanted.run(Call(unit, broker, requester, params, now)) or {}
    with broker.store.write() as unit:
        return _once(Call(unit, broker, requester, params, now), wanted, identity)


def _catch_up(broker: Broker, now: dt.datetime) -> None:
    """Do what time has made due since the clock looked last: what is told is as exact as the time itself."""
    with broker.store.read() as unit:
        is_due = turns.any_lapsed(unit, now) or posted.any_expiring(unit, now) or reviews.any_due(unit, now)
    if is_due:
        for sweep in (submit.sweep, expire.sweep):
            with broker.store.write() as unit:
                sweep(unit, now)
        approved = review.BATCH
        while approved >= review.BATCH:
            with broker.store.write() as unit:
                approved = review.sweep(unit, now)


def _received() -> signature.Request:
    if request.content_length is None or request.content_length > LONGEST_BODY:
        raise MTurkError(
            "",
            f"A body of at most {LONGEST_BODY} bytes, of a stated length, is accepted.",
            413,
            sort="RequestEntityTooLargeException",
        )
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.query_string.decode("latin-1")
    return signature.Request(request.method, request.path, query, headers, request.get_data(cache=False))


def _believed(broker: Broker, signed: signature.Request, now: dt.datetime) -> Person:
    """The requester who signed. Raises MTurkError."""
    credential = signature.read(signed)
    with broker.store.read() as unit:
        found = keys.owner(unit, credential.key, broker.secret)
    if found is None:
        raise MTurkError(
            "", "The security token included in the request is invalid.", sort="UnrecognizedClientException"
        )
    signature.check(signed, credential, found.secret, now)
    if found.person.suspended_at is not None or not found.person.requester:
        raise MTurkError("", "This account may not act as a requester.", sort="AccessDeniedException")
    if keys.unseen(found.key, now):
        with broker.store.write() as unit:
            keys.see(unit, found.key, now)
    return found.person


def _operation(target: str) -> str:
    version, _, name = target.partition(".")
    if version != VERSION or name not in OPERATIONS:
        raise MTurkError("", f"{target[:100]!r} is no operation of {VERSION}.", sort="UnknownOperationException")
    return name


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise MTurkError("", "The body is not JSON.", sort="SerializationException") from None


def _identity(signed: signature.Request, name: str) -> str | None:
    """What two tries of one call have in common and two calls have not; None where the client told nothing."""
    invocation = signed.headers.get("amz-sdk-invocation-id")
    if invocation is None:
        return None
    return hashlib.sha256(f"{name}\n{invocation}\n".encode() + signed.body).hexdigest()


def _once(call: Call, wanted: Operation, identity: str | None) -> Json:
    if identity is None:
        return wanted.run(call) or {}
    before = remembered.begin(call.unit, call.requester.id, remembered.CALL, identity, call.now)
    if before is not None:
        return before
    said = wanted.run(call) or {}
    remembered.end(call.unit, call.requester.id, remembered.CALL, identity, said)
    return said
