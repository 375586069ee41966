"""The proxy behind `broker mturk-proxy`: CONNECT to two host names, answered by the broker; all else is refused."""

import http.client
import ssl
import sys
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog

from broker.cli.proxy.certificate import HOSTS
from broker.errors import Invalid

log = structlog.get_logger()
PORT = 443
IDLE_SECONDS = 75
UPSTREAM_SECONDS = 60
MOST_CONNECTIONS = 64
MOST_BYTES = 4 << 20
"""A question has at most 64 KiB; a request that is larger than this is none of MTurk's."""
# RFC 9110, 7.6.1: what ends at this hop. What a client says of other proxies is not passed on as if we had seen it.
HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "forwarded",
}


def upstream_of(url: str) -> SplitResult:
    """The broker's address, which answers the MTurk API at its root: that is the path such clients have signed.

    Raises Invalid for anything but http(s)://host[:port].
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not parts.username and (parts.port or 1)
    except ValueError:
        usable = None
    if not usable or parts.path.strip("/") or parts.query or parts.fragment:
        raise Invalid(f"--to: {url!r} is no address such as http://127.0.0.1:8080")
    return parts


class Proxy(ThreadingHTTPServer):
    """Listens on (host, port) until it is shut down; each connection has a thread, at most 64 at a time."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], upstream: SplitResult, pair: Path) -> None:
        self.upstream = upstream
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self.tls.load_cert_chain(pair)
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, Outer)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread; wait while there are too many."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection in this thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the server's own signature
        """Note that a connection broke: a client that goes away or refuses the certificate is no fault of ours."""
        log.info("mturk-proxy: a connection broke", error=repr(sys.exception()))


class _Handler(BaseHTTPRequestHandler):
    """What both layers share: HTTP/1.1, a limit on silence, refusals as text."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Proxy

    def version_string(self) -> str:
        """What we call ourselves."""
        return "crowd-broker-mturk-proxy"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the handler's own signature
        """Log through structlog, only when asked for: a busy script makes thousands of requests."""
        log.debug("mturk-proxy", said=format % args)

    def refuse(self, status: int, message: str) -> None:
        """Answer with a status and one line of text, and end the connection."""
        log.warning("mturk-proxy refused", status=status, reason=message)
        content = f"{message}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True


class Outer(_Handler):
    """The proxy as clients see it: CONNECT and nothing else."""

    def do_CONNECT(self) -> None:
        """Open a tunnel to one of the two hosts, and answer for it; 403 for any other."""
        host, _, port = self.path.rpartition(":")
        if host.lower() not in HOSTS or port != str(PORT):
            return self.refuse(403, f"This proxy leads to port {PORT} of {' and '.join(HOSTS)}, and nowhere else.")
        self.send_response(200, "Connection established")
        self.end_headers()
        self.close_connection = True
        with self.server.tls.wrap_socket(self.connection, server_side=True) as tunnel:
            Inner(tunnel, self.client_address, self.server, host.lower())
        return None

    def _only_connect(self) -> None:
        self.refuse(405, "This proxy answers CONNECT only: use it as HTTPS_PROXY, not as HTTP_PROXY.")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = _only_connect  # noqa: N815


class Inner(_Handler):
    """The inside of a tunnel: the requests of an MTurk client, passed on as they are."""

    def __init__(self, connection: socket, client: Any, server: Proxy, host: str) -> None:
        self.host = host
        super().__init__(connection, client, server)

    def do_POST(self) -> None:
        """Pass a request on to the broker, with the headers that its signature covers, and its answer back."""
        if (self.headers.get("Host") or "").lower().removesuffix(f":{PORT}") != self.host:
            return self.refuse(421, f"The tunnel leads to {self.host}, the request is for another host.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            return self.refuse(411, "The request must say its Content-Length.")
        if int(length) > MOST_BYTES:
            return self.refuse(413, f"The request has more than {MOST_BYTES:,} bytes.")
        body = self.rfile.read(int(length))
        try:
            status, headers, content = _asked(self.server.upstream, self.path, passed_on(self.headers.items()), body)
        except (OSError, http.client.HTTPException) as error:
            return self.refuse(502, f"The broker at {self.server.upstream.geturl()} does not answer: {error}")
        self._answer(status, headers, content)
        return None

    def _only_post(self) -> None:
        self.refuse(405, "The MTurk API takes POST only.")

    do_GET = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_CONNECT = _only_post  # noqa: N815

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in passed_on(headers):
            if name.lower() not in {"content-length", "server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that are for the other end."""
    found = list(headers)
    named = {name.strip().lower() for key, value in found if key.lower() == "connection" for name in value.split(",")}
    ended = HOP | named
    return [(key, value) for key, value in found if key.lower() not in ended and not _told(key)]


def _told(name: str) -> bool:
    return name.lower().startswith("x-forwarded-")


def _asked(
    upstream: SplitResult, path: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The broker's answer: status, headers, content. The Host stays the client's: its signature covers it."""
    secure = upstream.scheme == "https"
    sort = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = sort(str(upstream.hostname), upstream.port, timeout=UPSTREAM_SECONDS)
    try:
        connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()
