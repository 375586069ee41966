"""The requester's account: its balance; and the operation that has had nothing to give since 2017."""

from broker.mturk.faults import MTurkError
from broker.mturk.wire import Call, Json, operation
from broker.rules import ledger
from broker.store import money


@operation("GetAccountBalance", reads=True)
def get_account_balance(call: Call) -> Json:
    """What the requester can spend, and what is set aside for the work they have asked for."""
    available = money.balance(call.unit, ledger.person(call.requester.id))
    return {"AvailableBalance": amount(available), "OnHoldBalance": amount(money.on_hold(call.unit, call.requester.id))}


@operation("GetFileUploadURL", reads=True)
def get_file_upload_url(_: Call) -> Json:
    """Files have not been answers since December 2017."""
    raise MTurkError("InvalidParameterValue", "FileUploadAnswer is no longer supported; there is no file to fetch.")


def amount(micros: int) -> str:
    """An amount as it goes over the wire: dollars and cents, rounded down to what is there."""
    return f"{micros // 1_000_000}.{micros % 1_000_000 // 10_000:02d}"
