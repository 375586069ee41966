"""AWS Signature Version 4 as a server checks it.

Source: "Signing AWS API requests", docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. Only what JSON 1.1
needs: the signature in the Authorization header, over the body as it was received. Everything named `x-amz-*` must be
signed, or the operation could be swapped; the Host is taken as it came, whatever it is, because clients sign the one
they believe they speak to.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from broker.mturk.faults import MTurkError

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "mturk-requester"
SKEW = dt.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
_PARTS = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key>[\w]{{16,128}})/(?P<day>\d{{8}})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<signed>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_NEEDED = {"host", "x-amz-date"}


@dataclass(frozen=True)
class Request:
    """What was signed: the parts of an HTTP request as they were received; names of headers in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Credential:
    """What the Authorization header says: who signed, for what, which headers, and the signature."""

    key: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """What the signing key is for."""
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def read(request: Request) -> Credential:
    """The credential of a request, before anybody believes it. Raises MTurkError."""
    given = request.headers.get("authorization")
    if given is None:
        raise MTurkError("", "Request is missing Authentication Token", sort="MissingAuthenticationTokenException")
    found = _PARTS.fullmatch(given.strip())
    if found is None:
        raise MTurkError(
            "", "Authorization header is incomplete or not AWS4-HMAC-SHA256.", sort="IncompleteSignatureException"
        )
    signed = tuple(found["signed"].split(";"))
    return Credential(found["key"], found["day"], found["region"], found["service"], signed, found["signature"])


def check(request: Request, credential: Credential, secret: str, now: dt.datetime) -> None:
    """Raises MTurkError unless this request, all of it, was signed with this secret within five minutes of now."""
    _check_scope(request, credential, now)
    expected = signature(request, credential, secret)
    if not hmac.compare_digest(expected, credential.signature):
        raise _wrong(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method. Consult the service documentation for details."
        )


def _check_scope(request: Request, credential: Credential, now: dt.datetime) -> None:
    if credential.service != SERVICE:
        raise _wrong(f"Credential should be scoped to correct service: '{SERVICE}'.")
    signed = set(credential.signed)
    bare = {name for name in request.headers if name.startswith("x-amz-")} - signed | (_NEEDED - signed)
    if bare or not signed <= set(request.headers):
        raise _wrong(f"These headers must be there and signed: {', '.join(sorted(bare | signed))}.")
    stamp = request.headers["x-amz-date"]
    if not stamp.startswith(credential.day):
        raise _wrong(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {stamp[:16]}.")
    if abs(_time(stamp) - now) > SKEW:
        raise _wrong(f"Signature expired: {stamp[:16]} is not within five minutes of {now.strftime(STAMP)}.")


def _time(stamp: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(stamp, STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        raise _wrong(f"Date must be in ISO-8601 'basic format': {stamp[:40]!r} is not.") from None


def _wrong(message: str) -> MTurkError:
    return MTurkError("", message, sort="InvalidSignatureException")


def signature(request: Request, credential: Credential, secret: str) -> str:
    """The signature that this request has with this secret, in hexadecimal digits."""
    digest = hashlib.sha256(_canonical(request, credential.signed).encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for part in (credential.day, credential.region, credential.service, "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    text = f"{ALGORITHM}\n{request.headers['x-amz-date']}\n{credential.scope}\n{digest}"
    return hmac.new(signing, text.encode(), "sha256").hexdigest()


def _canonical(request: Request, signed: tuple[str, ...]) -> str:
    query = "&".join("=".join(part) for part in sorted(one.partition("=")[::2] for one in request.query.split("&")))
    headers = [f"{name}:{' '.join(request.headers[name].split())}" for name in sorted(signed)]
    body = hashlib.sha256(request.body).hexdigest()
    path = quote(request.path or "/", safe="/~")
    return "\n".join([request.method, path, query if request.query else "", *headers, "", ";".join(signed), body])
