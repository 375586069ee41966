"""`broker mturk-proxy`: boto3 with a hard-coded endpoint, a small upstream, and all that is refused."""

import datetime as dt
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broker.cli.proxy import certificate
from broker.cli.proxy.certificate import HOSTS, kept
from broker.cli.proxy.server import MOST_BYTES, Proxy, passed_on, upstream_of
from broker.errors import Invalid

LIVE, SANDBOX = HOSTS
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "a secret of tests"}
NOW = dt.datetime.now(dt.UTC)


class Upstream(BaseHTTPRequestHandler):
    """A broker of one operation; like the real one, it believes only what the signature covers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        signed = self.signature(body) == self.headers.get("Authorization", "").rpartition("Signature=")[2]
        answer = {"AvailableBalance": "10000.00"} if signed else {"__type": "RequestError", "Message": "signature"}
        content = json.dumps(answer).encode()
        self.send_response(200 if signed else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", "r-1")
        self.end_headers()
        self.wfile.write(content)

    def signature(self, body):
        """What botocore's own signer makes of the request as it arrived, its Host included."""
        names = self.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        headers = {name: self.headers[name] for name in names}
        request = AWSRequest("POST", f"https://{headers['host']}/", data=body, headers=headers)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(*KEYS.values()), "mturk-requester", "us-east-1")
        return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)

    def log_message(self, *_):
        """Be quiet."""


def running(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.seen = []
    yield from running(server)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return kept(tmp_path_factory.mktemp("ca") / "proxy", NOW)


@pytest.fixture
def proxy(upstream, files):
    server = Proxy(("127.0.0.1", 0), upstream_of(f"http://127.0.0.1:{upstream.server_address[1]}"), files.pair)
    yield from running(server)


@pytest.fixture
def surrounded(proxy, files, monkeypatch):
    """The environment that the command prints."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(files.authority))


def client(host=LIVE):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
    return boto3.client("mturk", region_name="us-east-1", endpoint_url=f"https://{host}", config=config, **KEYS)


def tunnel(proxy, files, host=LIVE):
    """A TLS connection through the proxy, as a client's socket."""
    raw = socket.create_connection(proxy.server_address, timeout=5)
    raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    assert raw.recv(4096).startswith(b"HTTP/1.1 200")
    return ssl.create_default_context(cafile=files.authority).wrap_socket(raw, server_hostname=host)


def told(connection, text):
    connection.sendall(text.replace("\n", "\r\n").encode())
    answer = b""
    while chunk := connection.recv(4096):
        answer += chunk
    return answer.decode()


def plainly(proxy, text):
    with socket.create_connection(proxy.server_address, timeout=5) as raw:
        return told(raw, text)


@pytest.mark.parametrize("host", HOSTS)
def test_boto3_with_a_hard_coded_endpoint_reaches_the_broker_with_the_host_it_signed(host, upstream, surrounded):
    assert client(host).get_account_balance()["AvailableBalance"] == "10000.00"
    ((path, headers, body),) = upstream.seen
    assert (path, headers["Host"], body) == ("/", host, b"{}")
    assert headers["X-Amz-Target"] == "MTurkRequesterServiceV20170117.GetAccountBalance"


def test_one_client_makes_many_requests_through_one_tunnel(upstream, surrounded):
    asked = client()
    for _ in range(5):
        asked.get_account_balance()
    assert len(upstream.seen) == 5


def test_a_client_that_does_not_trust_the_private_ca_sends_nothing(upstream, surrounded, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(SSLError):
        client().get_account_balance()
    assert upstream.seen == []


def test_an_answer_of_an_error_comes_back_as_it_is(surrounded):
    wrong = boto3.client(
        "mturk", region_name="us-east-1", endpoint_url=f"https://{LIVE}", **KEYS | {"aws_secret_access_key": "x"}
    )
    with pytest.raises(wrong.exceptions.RequestError, match="signature"):
        wrong.get_account_balance()


@pytest.mark.parametrize(
    "target",
    ["example.org:443", "s3.amazonaws.com:443", f"{LIVE}:80", f"{LIVE}:22", LIVE, f"x.{LIVE}:443", f"{LIVE}.evil:443"],
)
def test_a_tunnel_to_anything_else_is_refused(proxy, target):
    answer = plainly(proxy, f"CONNECT {target} HTTP/1.1\nHost: x\n\n")
    assert answer.startswith("HTTP/1.1 403")
    assert LIVE in answer


@pytest.mark.parametrize("request_line", ["GET http://127.0.0.1/ HTTP/1.1", f"POST http://{LIVE}/ HTTP/1.1"])
def test_plain_proxying_is_refused(proxy, upstream, request_line):
    assert plainly(proxy, f"{request_line}\nHost: x\nContent-Length: 0\n\n").startswith("HTTP/1.1 405")
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("POST / HTTP/1.1\nHost: example.org\nContent-Length: 2\n\n{}", 421),
        (f"POST / HTTP/1.1\nHost: {SANDBOX}\nContent-Length: 2\n\n{{}}", 421),
        (f"GET / HTTP/1.1\nHost: {LIVE}\n\n", 405),
        (f"CONNECT {LIVE}:443 HTTP/1.1\nHost: {LIVE}\n\n", 405),
        (f"POST / HTTP/1.1\nHost: {LIVE}\n\n", 411),
        (f"POST / HTTP/1.1\nHost: {LIVE}\nContent-Length: -1\n\n", 411),
        (f"POST / HTTP/1.1\nHost: {LIVE}\nContent-Length: 2\nTransfer-Encoding: chunked\n\n{{}}", 411),
        (f"POST / HTTP/1.1\nHost: {LIVE}\nContent-Length: {MOST_BYTES + 1}\n\n", 413),
    ],
)
def test_inside_a_tunnel_only_requests_of_its_own_host_pass(proxy, files, upstream, request_text, status):
    with tunnel(proxy, files) as connection:
        assert told(connection, request_text).startswith(f"HTTP/1.1 {status}")
    assert upstream.seen == []


def test_a_broker_that_is_away_is_a_502_that_names_it(files):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = running(Proxy(("127.0.0.1", 0), upstream_of(f"http://127.0.0.1:{port}"), files.pair))
    proxy = next(server)
    with tunnel(proxy, files) as connection:
        answer = told(connection, f"POST / HTTP/1.1\nHost: {LIVE}\nContent-Length: 2\n\n{{}}")
    assert answer.startswith("HTTP/1.1 502")
    assert f"127.0.0.1:{port}" in answer
    next(server, None)


def test_headers_of_this_hop_and_claims_about_other_proxies_stay_behind():
    given = [("Host", "a"), ("Connection", "close, X-Mine"), ("X-Mine", "1"), ("X-Forwarded-For", "6.6.6.6")]
    given += [("Forwarded", "for=6.6.6.6"), ("Proxy-Authorization", "x"), ("X-Amz-Date", "d")]
    assert passed_on(given) == [("Host", "a"), ("X-Amz-Date", "d")]


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://x/mturk", "http://", "127.0.0.1:8080", "http://a:b@x/", "http://x:y/", "http://x/?q"]
)
def test_an_upstream_that_is_no_address_is_named(url):
    with pytest.raises(Invalid, match="--to"):
        upstream_of(url)


def test_the_key_of_the_private_ca_is_written_nowhere(files):
    assert "PRIVATE KEY" not in files.authority.read_text() + files.bundle.read_text()
    (authority,) = x509.load_pem_x509_certificates(files.authority.read_bytes())
    (server,) = x509.load_pem_x509_certificates(files.pair.read_bytes())
    key = serialization.load_pem_private_key(files.pair.read_bytes(), None)
    assert key.public_key() == server.public_key() != authority.public_key()


def test_the_private_ca_could_vouch_for_no_other_host_even_if_its_key_were_known(tmp_path, monkeypatch):
    """Sign for another host with a CA made by the same function, and see OpenSSL refuse it for the constraints."""
    keys, name = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)], x509.Name([])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a CA of tests")])
    authority = certificate._authority(name, keys[0], NOW)
    for host, allowed in ((LIVE, True), ("example.org", False)):
        monkeypatch.setattr(certificate, "HOSTS", (host,))
        server = certificate._server(name, keys[0], keys[1], NOW)
        refused = None if allowed else "permitted subtree violation"
        assert shaken(authority, server, keys[1], host, tmp_path) == refused


def shaken(authority, server, key, host, folder):
    """Why OpenSSL refuses a handshake with this certificate; None if it does not."""
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    pair = folder / "pair.pem"
    pair.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none) + server.public_bytes(pem))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pair)
    trusting = ssl.create_default_context(cadata=authority.public_bytes(pem).decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [trusting.wrap_bio(back, there, server_hostname=host), serving.wrap_bio(there, back, server_side=True)]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return None


def test_the_server_cannot_pass_for_another_host(proxy, files):
    raw = socket.create_connection(proxy.server_address, timeout=5)
    raw.sendall(f"CONNECT {LIVE}:443 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    raw.recv(4096)
    trusting = ssl.create_default_context(cafile=files.authority)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"example\.org"), raw:
        trusting.wrap_socket(raw, server_hostname="example.org")


def test_a_certificate_is_kept_and_renewed_before_it_ends(tmp_path):
    first = kept(tmp_path / "ca", NOW)
    content = first.pair.read_bytes()
    assert first.pair.stat().st_mode & 0o077 == 0
    assert kept(tmp_path / "ca", NOW + dt.timedelta(days=600)).pair.read_bytes() == content
    assert kept(tmp_path / "ca", NOW + dt.timedelta(days=710)).pair.read_bytes() != content


def test_a_folder_that_others_may_write_to_is_refused(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(Invalid, match="chmod go-w"):
        kept(folder, NOW)


def test_the_bundle_has_the_public_cas_too(files):
    bundle = files.bundle.read_text()
    assert bundle.endswith(files.authority.read_text())
    assert len(ssl.create_default_context(cadata=bundle).get_ca_certs()) > 50


def test_the_command_prints_what_a_client_needs_and_ends_with_a_signal(upstream, tmp_path):
    to = f"http://127.0.0.1:{upstream.server_address[1]}"
    command = [sys.executable, "-m", "broker.cli", "mturk-proxy", "--port", "0", "--to", to]
    environment = {**os.environ, "BROKER_DATA": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in range(3)]
            given = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[1:])
            script = (
                "import boto3; print(boto3.client('mturk', region_name='us-east-1', endpoint_url="
                f"'https://{SANDBOX}').get_account_balance()['AvailableBalance'])"
            )
            keys = {name.upper(): value for name, value in KEYS.items()}
            ran = subprocess.run(
                [sys.executable, "-c", script],
                env=os.environ | keys | given,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.stdout == "10000.00\n", ran.stderr
        finally:
            process.terminate()
        assert process.wait(10) == 0


def test_other_libraries_work_through_it_with_the_same_bundle(proxy, files, upstream):
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    answer = requests.post(
        f"https://{LIVE}/", data=b"{}", proxies={"https": address}, verify=str(files.authority), timeout=5,
        headers={"Authorization": "AWS4 SignedHeaders=host, Signature=none", "X-Amz-Date": "20260101T000000Z"},
    )  # fmt: skip
    assert (answer.status_code, answer.headers["x-amzn-RequestId"]) == (400, "r-1")
