"""Signatures: botocore's signer is believed whatever it signs, and nothing that was changed afterwards."""

import dataclasses
import datetime as dt
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from broker.mturk import signature
from broker.mturk.faults import MTurkError
from broker.mturk.signature import SKEW, Request

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
KEY, SECRET = "CBAAAAAAAAAAAAAAAAAA", "a secret + with / signs ="
TARGET = "MTurkRequesterServiceV20170117.CreateHIT"
HEADERS = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}


def signed(body=b"{}", url="http://crowd.example.org/mturk", service=signature.SERVICE, time=NOON, **more):
    """A request as botocore signs it and a server receives it."""
    request = AWSRequest("POST", url, {**HEADERS, **more}, body)
    signer = botocore.auth.SigV4Auth(Credentials(KEY, SECRET), service, "us-east-1")
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=time.replace(tzinfo=None)):
        signer.add_auth(request)
    parts = urlsplit(url)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc}
    return Request("POST", parts.path, parts.query, headers, body)


def believe(request, secret=SECRET, now=NOON):
    signature.check(request, signature.read(request), secret, now)


def changed(request, **headers):
    return dataclasses.replace(request, headers={**request.headers, **headers})


def refusal(request, **more):
    with pytest.raises(MTurkError) as caught:
        believe(request, **more)
    return caught.value.sort


NAMES = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=12).map("x-".__add__)
VALUES = st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "Zs")), max_size=30)


@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(NAMES, VALUES, max_size=5),
    host=st.sampled_from(["crowd.example.org", "127.0.0.1:8080", "mturk-requester.us-east-1.amazonaws.com"]),
    path=st.sampled_from(["", "/", "/mturk", "/mturk/", "/a b~c", "/é"]),
)
def test_whatever_botocore_signs_is_believed(body, headers, host, path):
    headers = {name: value for name, value in headers.items() if name != "x-amz-date"}
    believe(signed(body, f"http://{host}{path}", **headers))


def test_a_changed_body_is_refused():
    assert refusal(dataclasses.replace(signed(), body=b"{} ")) == "InvalidSignatureException"


def test_another_operation_is_refused():
    other = TARGET.replace("CreateHIT", "DeleteHIT")
    assert refusal(changed(signed(), **{"x-amz-target": other})) == "InvalidSignatureException"


def test_another_host_is_refused():
    assert refusal(changed(signed(), host="elsewhere.example.org")) == "InvalidSignatureException"


def test_another_path_query_or_method_is_refused():
    for change in ({"path": "/other"}, {"query": "a=b"}, {"method": "GET"}):
        assert refusal(dataclasses.replace(signed(), **change)) == "InvalidSignatureException"


def test_an_amazon_header_that_was_not_signed_is_refused():
    assert refusal(changed(signed(), **{"x-amz-security-token": "stolen"})) == "InvalidSignatureException"


@pytest.mark.parametrize("left_out", ["x-amz-target", "host", "x-amz-date"])
def test_a_signature_that_leaves_out_what_matters_is_refused(left_out):
    request = signed()
    names = sorted({"content-type", "host", "x-amz-date", "x-amz-target"} - {left_out})
    credential = dataclasses.replace(signature.read(request), signed=tuple(names))
    credential = dataclasses.replace(credential, signature=signature.signature(request, credential, SECRET))
    with pytest.raises(MTurkError, match="signed"):
        signature.check(request, credential, SECRET, NOON)


@pytest.mark.parametrize("service", ["mturk", "s3", "execute-api"])
def test_a_signature_for_another_service_is_refused(service):
    assert refusal(signed(service=service)) == "InvalidSignatureException"


def test_another_secret_is_refused():
    assert refusal(signed(), secret=SECRET + "x") == "InvalidSignatureException"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_signature_holds_for_five_minutes(sign):
    believe(signed(), now=NOON + sign * SKEW)
    assert refusal(signed(), now=NOON + sign * (SKEW + dt.timedelta(seconds=1))) == "InvalidSignatureException"


def test_a_date_that_is_not_the_signed_day_or_none_is_refused():
    tomorrow = (NOON + dt.timedelta(days=1)).strftime(signature.STAMP)
    for stamp in (tomorrow, "20260302", "20260302Tnonsense", ""):
        assert refusal(changed(signed(), **{"x-amz-date": stamp})) == "InvalidSignatureException"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA512 Credential={KEY}/20260302/us-east-1/mturk-requester/aws4_request, SignedHeaders=host",
    ],
)
def test_a_header_that_is_no_signature_is_told_so(header):
    assert refusal(changed(signed(), authorization=header)) == "IncompleteSignatureException"


def test_no_signature_at_all_is_told_so():
    request = signed()
    bare = {name: value for name, value in request.headers.items() if name != "authorization"}
    assert refusal(dataclasses.replace(request, headers=bare)) == "MissingAuthenticationTokenException"


@given(st.text(max_size=200))
def test_no_header_breaks_the_reader(text):
    with pytest.raises(MTurkError):
        believe(changed(signed(), authorization=text))
