"""Notices: deliver what waits for a requester, each document by its way, and note how it went."""

import json

import structlog

from broker.rules import notice
from broker.rules.notice import Transport
from broker.services import notify
from broker.services.notify import BATCH, Parcel
from broker.wiring import Broker
from workers import aws, mail, safe_http
from workers.safe_http import Refused

log = structlog.get_logger()


def run(broker: Broker, requester_id: int) -> None:
    """Deliver what waits for this requester. What does not arrive waits for its next try and holds up nothing else."""
    while True:
        with broker.store.read() as unit:
            found = notify.parcels(unit, requester_id, lambda prefix, row: broker.names(prefix).show(row), broker.now())
        for parcel in found:
            _deliver(broker, parcel)
        if sum(len(parcel.notices) for parcel in found) < BATCH:
            return


def _deliver(broker: Broker, parcel: Parcel) -> None:
    try:
        SENDERS[parcel.transport](broker, parcel)
    except Refused as error:
        log.warning("a notice was not delivered", destination=parcel.destination, error=str(error))
        with broker.store.write() as unit:
            notify.failed(unit, parcel, str(error), broker.now())
        return
    with broker.store.write() as unit:
        notify.delivered(unit, parcel, broker.now())


def _mail(broker: Broker, parcel: Parcel) -> None:
    settings = broker.settings
    if not settings.smtp_url.get_secret_value():
        raise Refused("this installation sends no mail: BROKER_SMTP_URL is not set")
    told = json.loads(parcel.body)["Events"]
    subject = f"{told[0]['EventType']}" + (f" and {len(told) - 1} more" if len(told) > 1 else "")
    lines = [", ".join(f"{name}: {value}" for name, value in one.items()) for one in told]
    mail.send(
        settings.smtp_url.get_secret_value(), settings.mail_from, parcel.destination, subject, "\n".join(lines) + "\n"
    )


def _keys(broker: Broker) -> aws.Keys:
    settings = broker.settings
    if not settings.aws_key:
        raise Refused("this installation has no credentials for queues: BROKER_AWS_KEY is not set")
    return aws.Keys(settings.aws_key, settings.aws_secret.get_secret_value(), settings.aws_region)


def _queue(broker: Broker, parcel: Parcel) -> None:
    endpoint = aws.Endpoint(broker.settings.sqs_url, broker.settings.private_webhooks)
    aws.to_queue(_keys(broker), endpoint, parcel.destination, parcel.body, broker.now())


def _topic(broker: Broker, parcel: Parcel) -> None:
    endpoint = aws.Endpoint(broker.settings.sns_url, broker.settings.private_webhooks)
    aws.to_topic(_keys(broker), endpoint, parcel.destination, parcel.body, broker.now())


def _webhook(broker: Broker, parcel: Parcel) -> None:
    body = parcel.body.encode()
    secret = notice.webhook_secret(broker.secret, parcel.requester)
    mark = notice.signed(secret, body, int(broker.now().timestamp()))
    headers = {"Content-Type": "application/json", notice.SIGNATURE: mark}
    safe_http.post(parcel.destination, body, headers, private=broker.settings.private_webhooks)


SENDERS = {
    Transport.EMAIL: _mail,
    Transport.SQS: _queue,
    Transport.SNS: _topic,
    Transport.WEBHOOK: _webhook,
}
