"""What a post-annotation function takes for S3 and STS: its payload and the mapped buckets, to read, on loopback."""

import hmac
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from broker.errors import BrokerError
from broker.store.buckets import SCHEME, Buckets

BUCKET = "crowd-broker-payload"
LARGEST = 256 << 20
MOST_FORM = 64 << 10
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


class Gateway:
    """Serves GET and HEAD of objects, and AssumeRole, to whoever has its access key: AWS's recipe runs unchanged."""

    def __init__(self, buckets: Buckets) -> None:
        self.buckets = buckets
        self.key, self.payloads = f"AKIA{secrets.token_hex(8).upper()}", dict[str, bytes]()
        self._server = _Server(("127.0.0.1", 0), _Answer)
        self._server.gateway = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """What makes an AWS SDK come here."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ENDPOINT_URL_STS": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def offer(self, payload: bytes) -> str:
        """Hold a payload, in place of the one before; its s3:// address."""
        name = f"{secrets.token_hex(8)}.json"
        self.payloads.clear()
        self.payloads[name] = payload
        return f"{SCHEME}{BUCKET}/{name}"

    def read(self, path: str) -> bytes:
        """The object under /bucket/key. Raises BrokerError if there is none."""
        bucket, _, name = path.lstrip("/").partition("/")
        if bucket == BUCKET and name in self.payloads:
            return self.payloads[name]
        return self.buckets.read(f"{SCHEME}{bucket}/{name}", LARGEST)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gateway: Gateway


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the handler's own signature
        """Say nothing."""

    def do_GET(self) -> None:
        """An object."""
        if not self._is_known():
            return self._say(403, _error("AccessDenied"))
        try:
            return self._say(200, self.server.gateway.read(unquote(urlsplit(self.path).path)), "binary/octet-stream")
        except BrokerError:
            return self._say(404, _error("NoSuchKey"))

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """AssumeRole: the same key again."""
        length = int(self.headers.get("Content-Length") or 0)
        form = self.rfile.read(min(length, MOST_FORM)).decode(errors="replace")
        if not self._is_known() or "Action=AssumeRole" not in form:
            return self._say(403, _error("AccessDenied"))
        return self._say(200, _role(self.server.gateway.key).encode(), "text/xml")

    def _is_known(self) -> bool:
        given = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
        return hmac.compare_digest(given.encode(), self.server.gateway.key.encode())

    def _say(self, status: int, content: bytes, sort: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("Content-Type", sort)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def _role(key: str) -> str:
    credentials = (
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secrets.token_hex(20)}</SecretAccessKey>"
        "<SessionToken>none</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
    )
    return (
        f'<AssumeRoleResponse xmlns="{NAMESPACE}"><AssumeRoleResult><Credentials>{credentials}</Credentials>'
        "</AssumeRoleResult></AssumeRoleResponse>"
    )
