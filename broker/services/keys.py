"""KEYS: the access keys with which programs sign as a requester: made, shown once, read back, revoked."""

import base64
import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken

from broker.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from broker.store import keys
from broker.store.db import Unit
from broker.store.keys import AccessKey
from broker.store.people import Person

MOST_KEYS = 10
LONGEST_LABEL = 100
SEEN_EVERY = dt.timedelta(minutes=10)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Made:
    """A new key; its secret is shown this once."""

    public_id: str
    secret: str


@dataclass(frozen=True)
class Owner:
    """A key that holds, whose it is, and what it signs with."""

    key: AccessKey
    person: Person
    secret: str


def make(unit: Unit, person: Person, label: str, now: dt.datetime, secret: bytes) -> Made:
    """Make an access key for a requester. Raises Forbidden, Invalid, Conflict when they have too many."""
    if not person.requester:
        raise Forbidden("Only requesters have access keys.")
    if not 0 < len(label.strip()) <= LONGEST_LABEL:
        message = f"say in 1 to {LONGEST_LABEL} characters what the key is for"
        raise Invalid(f"label: {message}", problems=[Problem(message, column="label")])
    if len(keys.open_keys(unit, person.id)) >= MOST_KEYS:
        raise Conflict(f"You have {MOST_KEYS} keys already: revoke one first.")
    made = Made("CB" + "".join(secrets.choice(ALPHABET) for _ in range(18)), secrets.token_urlsafe(30))
    sealed = _seal(secret).encrypt(made.secret.encode()).decode()
    unit.session.add(
        AccessKey(public_id=made.public_id, person_id=person.id, sealed=sealed, label=label.strip(), created_at=now)
    )
    return made


def _seal(secret: bytes) -> Fernet:
    """What enciphers the secrets of keys, made of the installation's: a copy of the database alone signs nothing."""
    digest = hashlib.blake2b(b"access keys", key=secret[:64], digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def owner(unit: Unit, public_id: str, secret: bytes) -> Owner | None:
    """The key with this public id; None for an unknown or revoked one, and once the installation's secret is new."""
    found = keys.by_public_id(unit, public_id)
    if found is None:
        return None
    try:
        return Owner(*found, _seal(secret).decrypt(found[0].sealed.encode()).decode())
    except InvalidToken:
        return None


def unseen(key: AccessKey, now: dt.datetime) -> bool:
    """Whether it is worth noting that the key was used now."""
    return key.used_at is None or now - key.used_at > SEEN_EVERY


def see(unit: Unit, key: AccessKey, now: dt.datetime) -> None:
    """Note that the key was used."""
    keys.see(unit, key.id, now)


def revoke(unit: Unit, person_id: int, public_id: str, now: dt.datetime) -> None:
    """End one of the person's keys: nothing signed with it is believed any more. Raises NotFound."""
    if not keys.revoke(unit, person_id, public_id, now):
        raise NotFound("There is no such key among yours.")
