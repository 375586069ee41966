"""`broker mturk-proxy`: MTurk clients whose endpoint is hard-coded reach this broker, unchanged."""

import signal
import sys
import threading
from pathlib import Path

import click

from broker.cli.proxy.certificate import HOSTS, kept
from broker.cli.proxy.server import Proxy, upstream_of
from broker.cli.serve import address, configured
from broker.wiring import utc_now

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; keep it to this machine.")
@click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--to", default="", help="The broker's address. Default: that of the settings.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where the certificate is kept.")
def command(host: str, port: int, to: str, folder: Path | None) -> None:
    """Let MTurk clients with a hard-coded endpoint talk to this broker.

    It is an HTTPS proxy that answers for mturk-requester.us-east-1.amazonaws.com and
    mturk-requester-sandbox.us-east-1.amazonaws.com with a certificate of its own private CA, passes what they are asked
    on to the broker, and refuses everything else. Run the client with the variables it prints.
    """
    settings = configured()
    upstream = upstream_of(to or address(settings))
    files = kept(folder or settings.data / "mturk-proxy", utc_now())
    if host not in LOOPBACK:
        click.echo(f"Warning: everybody who reaches {host} may use this proxy.", err=True)
    try:
        proxy = Proxy((host, port), upstream, files.pair)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    with proxy:
        click.echo(f"# {' and '.join(HOSTS)} are answered by {upstream.geturl()}")
        click.echo(f"export HTTPS_PROXY=http://{host}:{proxy.server_address[1]}")
        click.echo(f"export AWS_CA_BUNDLE={files.authority}")
        click.echo(f"# {files.bundle} has the public CAs too, for clients that also talk to other hosts (see NO_PROXY)")
        sys.stdout.flush()
        _serve(proxy)


def _serve(proxy: Proxy) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    stop.wait()
    proxy.shutdown()
    thread.join()
