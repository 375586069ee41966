"""Notifications: which events of a HIT type are told where, and a try."""

from broker.errors import Invalid
from broker.mturk.faults import MTurkError, about
from broker.mturk.wire import Call, Json, operation
from broker.services import notify
from broker.store.notices import Target


def _target(told: Json) -> Target:
    try:
        return notify.target(told["Transport"], told["Destination"].strip(), told["Version"])
    except Invalid as error:
        raise MTurkError("InvalidTransportEndpoint", error.message) from None


@operation("UpdateNotificationSettings")
def update_settings(call: Call) -> None:
    """Tell of these events from now on, stop telling, or go on. Raises MTurkError."""
    name, told = call.params["HITTypeId"], call.params.get("Notification")
    active = call.params.get("Active", True)
    with about("HITType", name):
        job_id = call.broker.names("J").read(name)
        if told is None:
            notify.switch(call.unit, job_id, call.requester.id, active=active)
        else:
            events = told["EventTypes"]
            notify.watch(call.unit, job_id, call.requester.id, _target(told), events, active=active)


@operation("SendTestEventNotification")
def send_test(call: Call) -> None:
    """Tell of an event that did not happen."""
    told = call.params["Notification"]
    notify.try_out(call.unit, call.requester.id, _target(told), call.params["TestEventType"], call.now)
