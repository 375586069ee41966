"""Messages to SQS and SNS, and to what speaks like them: two calls, signed by AWS Signature Version 4."""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import requests

from workers import safe_http
from workers.safe_http import Refused

ALGORITHM = "AWS4-HMAC-SHA256"
SECONDS = 10.0


@dataclass(frozen=True)
class Keys:
    """With which credentials, and in which region."""

    key: str
    secret: str
    region: str


@dataclass(frozen=True)
class Endpoint:
    """Where the service is: a configured address, which is trusted; or empty, and then the destination's own host."""

    url: str
    private: bool = False


def signed(
    keys: Keys, service: str, url: str, headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> dict[str, str]:
    """The headers of a POST with their signature. Source: "Signature Version 4 signing process", AWS."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    every = {name.lower(): value for name, value in headers.items()} | {"host": parts.netloc, "x-amz-date": stamp}
    names = ";".join(sorted(every))
    lines = [f"{name}:{every[name]}" for name in sorted(every)]
    path = quote(parts.path or "/", safe="/~")
    told = "\n".join(["POST", path, parts.query, *lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{keys.region}/{service}/aws4_request"
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(told.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    found = hmac.new(key, text.encode(), "sha256").hexdigest()
    authorization = f"{ALGORITHM} Credential={keys.key}/{scope}, SignedHeaders={names}, Signature={found}"
    return {**headers, "X-Amz-Date": stamp, "Authorization": authorization}


def to_queue(keys: Keys, endpoint: Endpoint, queue: str, text: str, now: dt.datetime) -> None:
    """Put a message into a queue, named by its URL. Raises Refused."""
    body = json.dumps({"QueueUrl": queue, "MessageBody": text}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}
    parts = urlsplit(queue)
    _post(keys, "sqs", endpoint, f"{parts.scheme}://{parts.netloc}/", headers, body, now)


def to_topic(keys: Keys, endpoint: Endpoint, topic: str, text: str, now: dt.datetime) -> None:
    """Publish a message to a topic, named by its ARN. Raises Refused."""
    body = urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": text}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    region = topic.split(":")[3] if topic.count(":") >= 5 else keys.region
    _post(keys, "sns", endpoint, f"https://sns.{region or keys.region}.amazonaws.com/", headers, body, now)


def _post(
    keys: Keys, service: str, endpoint: Endpoint, own: str, headers: dict[str, str], body: bytes, now: dt.datetime
) -> None:
    url = endpoint.url or own
    sent = signed(keys, service, url, headers, body, now)
    if not endpoint.url:
        safe_http.post(url, body, sent, private=endpoint.private)
        return
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, data=body, headers=sent, timeout=SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise Refused(f"{service}: {error}") from None
    if not answer.ok:
        raise Refused(f"{service} answered {answer.status_code}: {answer.text[:300]}")
