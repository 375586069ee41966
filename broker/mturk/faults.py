"""What the API answers when it cannot do what was asked; old clients match on codes and on words."""

from collections.abc import Iterator
from contextlib import contextmanager

from broker.errors import BrokerError, Conflict, Forbidden, NotFound, Problem, Unpaid
from broker.rules.posting import WrongState

PREFIX = "AWS.MechanicalTurk."
BROKE = "This Requester has insufficient funds in their account to complete this transaction."
PARAMETERS = {
    "amount": "BonusAmount",
    "auto_value": "AutoGrantedValue",
    "feedback": "RequesterFeedback",
    "requirement": "QualificationRequirements",
    "retry_seconds": "RetryDelayInSeconds",
    "test_seconds": "TestDurationInSeconds",
    "text": "MessageText",
    "url": "ExternalURL",
    "value": "IntegerValue",
}
"""What use cases call a parameter that the API calls otherwise, beyond its writing: `answer_key` is AnswerKey."""


class MTurkError(Exception):
    """A refusal as it goes over the wire: botocore reads the exception's name in `sort` and shows both texts.

    `code` is the TurkErrorCode without its prefix; failures of the wire itself (signatures, shapes) have none.
    """

    def __init__(self, code: str, message: str, http: int = 400, *, sort: str = "RequestError") -> None:
        super().__init__(message)
        self.code, self.message, self.http, self.sort = code, message, http, sort

    def body(self) -> dict[str, str]:
        """The JSON of the answer."""
        said = {"__type": self.sort, "Message": self.message}
        return said | {"TurkErrorCode": PREFIX + self.code} if self.code else said | {"message": self.message}


def missing(what: str, name: str) -> MTurkError:
    """There is no such thing, or it is none of the asker's: HIT, Assignment, QualificationType, ..."""
    return MTurkError(f"{what}DoesNotExist", f"{what} {name} does not exist.")


def invalid(message: str) -> MTurkError:
    """A value that has the right shape and makes no sense."""
    return MTurkError("InvalidParameterValue", message)


@contextmanager
def about(what: str, name: str) -> Iterator[None]:
    """Say what use cases refuse in the API's words about the HIT, Assignment, ... of this name."""
    try:
        yield
    except NotFound:
        raise missing(what, name) from None
    except WrongState as error:
        raise MTurkError("InvalidHITState", error.message) from None
    except Conflict as error:
        raise MTurkError(f"Invalid{what}State", error.message) from None


def translated(error: BrokerError) -> MTurkError:
    """An expected failure of a use case, where the operation said nothing better."""
    if isinstance(error, Unpaid):
        return MTurkError("InsufficientFunds", f"{BROKE} {error.message}")
    if isinstance(error, Forbidden):
        return MTurkError("PermissionDeniedException", error.message)
    return invalid("; ".join(map(_worded, error.problems)) or error.message)


def _worded(problem: Problem) -> str:
    """A problem with a field, with the name of the parameter that it came in."""
    column = problem.column
    if column is None:
        return str(problem)
    name = PARAMETERS.get(column) or (column.title().replace("_", "") if column.islower() else column)
    return problem.message if name in problem.message else f"{name}: {problem.message}"
