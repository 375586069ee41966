"""Ways of notices, each to a real server: SQS and SNS (moto's), SMTP, https; and nothing into private networks."""

import datetime as dt
import email
import hashlib
import hmac
import http.server
import ipaddress
import json
import socket
import ssl
import threading
from types import SimpleNamespace

import boto3
import pytest
import trustme
from aiosmtpd.controller import Controller
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from broker.rules import notice
from broker.rules.notice import Transport
from broker.services.notify import Parcel
from broker.settings import Settings
from workers import aws, mail, notify, safe_http
from workers.safe_http import Refused, is_public

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
KEYS = aws.Keys("AKIATESTS", "a secret of the tests", "us-east-1")
BODY = notice.document([notice.Told("Ping", NOON)], "A1", "2014-08-15", "DOC")


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(service, moto):
    given = {"aws_access_key_id": KEYS.key, "aws_secret_access_key": KEYS.secret, "region_name": KEYS.region}
    return boto3.client(service, endpoint_url=moto, **given)


def broker(**settings):
    values = {"aws_key": KEYS.key, "aws_secret": SecretStr(KEYS.secret), **settings}
    return SimpleNamespace(settings=Settings(**values), secret=b"s" * 48, now=lambda: NOON)


def parcel(way, destination):
    return Parcel((1,), way, destination, BODY, requester=7, tries=1)


def received(sqs, queue):
    return [one["Body"] for one in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0).get("Messages", [])]


def test_a_queue_gets_the_document(moto):
    sqs = client("sqs", moto)
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    notify.SENDERS[Transport.SQS](broker(sqs_url=moto), parcel(Transport.SQS, queue))
    assert received(sqs, queue) == [BODY]


def test_a_topic_hands_the_document_on_to_who_listens(moto):
    sqs, sns = client("sqs", moto), client("sns", moto)
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="events")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    notify.SENDERS[Transport.SNS](broker(sns_url=moto), parcel(Transport.SNS, topic))
    (told,) = received(sqs, queue)
    assert json.loads(told)["Message"] == BODY


def test_a_queue_that_is_not_there_refuses(moto):
    with pytest.raises(Refused, match="answered 400"):
        notify.SENDERS[Transport.SQS](broker(sqs_url=moto), parcel(Transport.SQS, f"{moto}/123456789012/nothing"))


def test_without_credentials_no_queue_is_written_to(moto):
    with pytest.raises(Refused, match="BROKER_AWS_KEY"):
        notify.SENDERS[Transport.SQS](broker(aws_key="", sqs_url=moto), parcel(Transport.SQS, f"{moto}/1/events"))


@pytest.mark.parametrize("url", ["https://sqs.us-east-1.amazonaws.com/", "http://127.0.0.1:4566/a b/"])
def test_signatures_are_those_of_botocore(url, monkeypatch):
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOON.replace(tzinfo=None))
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}
    body = b'{"QueueUrl": "q"}'
    request = AWSRequest("POST", url, headers=dict(headers), data=body)
    SigV4Auth(Credentials(KEYS.key, KEYS.secret), "sqs", KEYS.region).add_auth(request)
    ours = aws.signed(KEYS, "sqs", url, headers, body, NOON)
    assert ours["Authorization"].rpartition("Signature=")[2] == request.headers["Authorization"].rpartition("=")[2]


class Postbox:
    """Keeps what is sent."""

    def __init__(self):
        self.kept = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.kept.append(envelope)
        return "250 OK"


@pytest.fixture
def postbox():
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_mail_says_what_happened(postbox):
    box, url = postbox
    made = broker(smtp_url=SecretStr(url), mail_from="broker@example.org")
    notify.SENDERS[Transport.EMAIL](made, parcel(Transport.EMAIL, "ada@example.org"))
    (envelope,) = box.kept
    message = email.message_from_bytes(envelope.content)
    assert (envelope.rcpt_tos, message["From"], message["Subject"]) == (
        ["ada@example.org"],
        "broker@example.org",
        "Ping",
    )
    assert message.get_payload().strip() == "EventType: Ping, EventTimestamp: 2026-03-02T12:00:00Z"


def test_a_password_is_not_sent_in_the_clear(postbox):
    box, url = postbox
    with pytest.raises(Refused, match="no encryption"):
        mail.send(url.replace("//", "//ada:secret@"), "broker@example.org", "ada@example.org", "Hi", "Hi")
    assert box.kept == []


def test_a_mail_server_that_is_away_refuses():
    with pytest.raises(Refused, match="mail:"):
        mail.send(f"smtp://127.0.0.1:{free_port()}", "broker@example.org", "ada@example.org", "Hi", "Hi")


def test_without_a_mail_server_no_mail_is_sent():
    with pytest.raises(Refused, match="BROKER_SMTP_URL"):
        notify.SENDERS[Transport.EMAIL](broker(), parcel(Transport.EMAIL, "ada@example.org"))


class Hook(http.server.BaseHTTPRequestHandler):
    """An https server of a requester, which keeps what comes and answers as it is told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.kept.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"https://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def hook(monkeypatch, tmp_path):
    authority = trustme.CA()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.kept, server.status = [], 200
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(hook, host="localhost"):
    return f"https://{host}:{hook.server_port}/hook?lab=1"


def test_a_webhook_is_signed_so_that_its_owner_can_tell(hook):
    notify.SENDERS[Transport.WEBHOOK](broker(private_webhooks=True), parcel(Transport.WEBHOOK, url_of(hook)))
    ((path, headers, body),) = hook.kept
    assert (path, body.decode()) == ("/hook?lab=1", BODY)
    at, told = (part.partition("=")[2] for part in headers[notice.SIGNATURE].split(","))
    secret = notice.webhook_secret(b"s" * 48, 7)
    assert told == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert int(at) == int(NOON.timestamp())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_private_network_is_not_written_to_unless_the_admin_allows_it(hook, host):
    with pytest.raises(Refused, match="private network"):
        notify.SENDERS[Transport.WEBHOOK](broker(), parcel(Transport.WEBHOOK, url_of(hook, host)))
    assert hook.kept == []
    notify.SENDERS[Transport.WEBHOOK](broker(private_webhooks=True), parcel(Transport.WEBHOOK, url_of(hook, host)))
    assert len(hook.kept) == 1


def test_a_queue_of_a_requesters_own_choice_is_not_written_to_in_a_private_network(hook):
    with pytest.raises(Refused, match="private network"):
        notify.SENDERS[Transport.SQS](broker(), parcel(Transport.SQS, url_of(hook)))
    assert hook.kept == []


def test_a_name_that_means_a_public_address_first_and_a_private_one_then_gets_nothing(hook, monkeypatch):
    looked = []
    real = socket.getaddrinfo

    def rebinding(host, *args, **more):
        if host != "rebind.example.org":
            return real(host, *args, **more)
        looked.append(host)
        address = "192.0.2.1" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, hook.server_port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(safe_http, "is_public", lambda address: not address.is_loopback)
    monkeypatch.setattr(safe_http, "SECONDS", 0.3)
    with pytest.raises(Refused):
        safe_http.post(url_of(hook, "rebind.example.org"), b"{}", {})
    assert (looked, hook.kept) == (["rebind.example.org"], [])


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    found = [(socket.AF_INET, 1, 6, "", (one, 443)) for one in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Refused, match="private network"):
        safe_http.resolve("mixed.example.org", 443, private=False)


def test_a_redirect_is_not_followed(hook):
    hook.status = 302
    with pytest.raises(Refused, match="answered 302"):
        safe_http.post(url_of(hook), b"{}", {}, private=True)
    assert [path for path, _, _ in hook.kept] == ["/hook?lab=1"]


def test_a_certificate_of_another_name_is_not_believed(hook, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *args, **more: real("127.0.0.1", *args, **more))
    with pytest.raises(Refused, match="certificate"):
        safe_http.post(url_of(hook, "lab.example.org"), b"{}", {}, private=True)
    assert hook.kept == []


@pytest.mark.parametrize(
    "url",
    ["http://93.184.215.14/", "https://user@93.184.215.14/", "https:///hook", "ftp://93.184.215.14/", "https://[::1"],
)
def test_only_plain_https_addresses_are_written_to(url):
    with pytest.raises(Refused):
        safe_http.post(url, b"{}", {})


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *[(one, False) for one in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0")],
        *[(one, False) for one in ("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1", "::")],
        *[(one, False) for one in ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::")],
        *[(one, True) for one in ("93.184.215.14", "2606:2800:21f::1", "::ffff:93.184.215.14")],
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(ipaddress.ip_address(address)) == public
