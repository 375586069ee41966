"""The certificate of `broker mturk-proxy`: of a private CA that vouches for two host names and nothing else."""

import datetime as dt
import os
import secrets
from pathlib import Path
from typing import NamedTuple

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.errors import Invalid

HOSTS = ("mturk-requester.us-east-1.amazonaws.com", "mturk-requester-sandbox.us-east-1.amazonaws.com")
"""What old clients have hard-coded: the live site and its sandbox."""
VALID = dt.timedelta(days=730)
RENEWED = dt.timedelta(days=30)
SKEW = dt.timedelta(hours=1)


class Kept(NamedTuple):
    """The files of the certificate; `authority` is what clients trust, `bundle` the same beside all public CAs."""

    authority: Path
    bundle: Path
    pair: Path
    """The server's key and certificate, readable by the owner alone."""


def kept(folder: Path, now: dt.datetime) -> Kept:
    """The certificate in this folder, made if there is none or it ends within 30 days.

    Raises Invalid for a folder that others may write to: they could put their own certificate there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o022:
        raise Invalid(f"{folder} can be written to by others: take that away with chmod go-w")
    files = Kept(folder / "ca.pem", folder / "bundle.pem", folder / "server.pem")
    if not all(file.exists() for file in files) or _ends(files.pair) < now + RENEWED:
        _make(files, now)
    return files


def _ends(file: Path) -> dt.datetime:
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def _make(files: Kept, now: dt.datetime) -> None:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"crowd-broker mturk-proxy {secrets.token_hex(4)}")])
    authority = _authority(name, authority_key, now).public_bytes(serialization.Encoding.PEM)
    server = _server(name, authority_key, key, now).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The CA's key is never written down: once this certificate is signed, nobody can sign another one.
    _write(files.authority, authority)
    _write(files.bundle, Path(certifi.where()).read_bytes() + b"\n" + authority)
    _write(files.pair, private + server)


def _authority(name: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    permitted = [x509.DNSName(host) for host in HOSTS]
    return (
        _begun(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    issuer: x509.Name, authority: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> x509.Certificate:
    # The names stand in the extension alone: a common name that is no permitted one breaks the constraints.
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        _begun(x509.Name([]), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
