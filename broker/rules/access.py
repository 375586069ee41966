"""Who may do what: pure checks that raise what the door shows."""

import datetime as dt

from broker.errors import Forbidden


def need_role(roles: frozenset[str], role: str) -> None:
    """Raises Forbidden unless the person holds the role."""
    if role not in roles:
        raise Forbidden(f"This needs the role {role!r}, which your account does not have.")


def need_good_standing(suspended_at: dt.datetime | None, reason: str | None) -> None:
    """Raises Forbidden for a suspended account, with the reason given."""
    if suspended_at is not None:
        raise Forbidden(f"This account is suspended: {reason or 'no reason was given'}.")
