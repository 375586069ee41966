"""The expected failures: what may go wrong although the program is right."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong in somebody's input: where it stands (row from 1, column or field name) and what it is."""

    message: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [f"row {self.row}" if self.row is not None else "", f"column {self.column!r}" if self.column else ""]
        where = ", ".join(part for part in place if part)
        return f"{where}: {self.message}" if where else self.message


class BrokerError(Exception):
    """Base of the expected failures; each door maps `status` and `title` once."""

    status = 400
    title = "Bad request"

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


class Invalid(BrokerError):
    """The input breaks a stated rule; `problems` name the rows and fields."""

    status = 422
    title = "Invalid input"


class TooLarge(Invalid):
    """The input is larger than this installation accepts."""

    status = 413
    title = "Too large"


class NotFound(BrokerError):
    """There is no such thing, or it is none of the asker's business."""

    status = 404
    title = "Not found"


class Forbidden(BrokerError):
    """The asker's role or standing does not allow this act."""

    status = 403
    title = "Not allowed"


class Conflict(BrokerError):
    """Somebody was faster, or the thing is no longer in the state this act needs."""

    status = 409
    title = "Conflict"


class Unpaid(BrokerError):
    """The account does not hold the money this act sets aside."""

    status = 402
    title = "Not enough money"


class TooMany(BrokerError):
    """More attempts than allowed in a stretch of time."""

    status = 429
    title = "Too many attempts"

    def __init__(self, message: str, *, wait_seconds: int = 60) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds
