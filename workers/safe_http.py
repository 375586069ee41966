"""A POST to an address that a stranger chose: never into our own network, never along a redirect."""

import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

SECONDS = 10.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """It was not sent, or not taken; says why."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, also when it is an IPv4 one in IPv6 clothes."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int, *, private: bool) -> str:
    """An address of the host, all of whose addresses are public unless `private` ones are allowed. Raises Refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(f"{host} has no address") from None
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    if not private and not all(is_public(ipaddress.ip_address(one)) for one in addresses):
        raise Refused(f"{host} is an address of a private network")
    return addresses[0]


def post(url: str, body: bytes, headers: dict[str, str], *, private: bool = False) -> None:
    """Send a body to an https address. Raises Refused unless it is taken with a 2xx.

    The name is looked up once, and the connection goes to the address that was looked at: a name that means another
    one a moment later gets nothing. `private` allows addresses of our own network.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise Refused("this is no address") from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise Refused("only https:// addresses are written to, without a name or password in them")
    address = resolve(host, port, private=private)
    path = parts.path or "/"
    named = {"Host": parts.netloc, "User-Agent": "crowd-broker", **headers}
    _send(address, host, port, f"{path}?{parts.query}" if parts.query else path, body, named)


def _send(address: str, host: str, port: int, path: str, body: bytes, headers: dict[str, str]) -> None:
    context, timeout = ssl.create_default_context(), urllib3.Timeout(total=SECONDS)
    # The certificate must be the name's, although the connection goes to the address.
    pool = urllib3.HTTPSConnectionPool(
        address, port, retries=False, timeout=timeout, ssl_context=context, server_hostname=host
    )
    with pool:
        try:
            answer = pool.urlopen("POST", path, body=body, headers=headers, redirect=False, preload_content=False)
            status = answer.status
            answer.close()  # what it says is not read: it might never end
        except HTTPError as error:
            raise Refused(f"{host}: {error}") from None
    if not 200 <= status < 300:
        raise Refused(f"{host} answered {status}")
