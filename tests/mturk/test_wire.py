"""The wire: who is believed, what has a wrong shape, and that one call is done once."""

import json
import urllib.error
import urllib.request

import botocore.auth
import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError

from broker.mturk.signature import SKEW
from broker.services import keys
from broker.services.keys import Made
from broker.store import people


def test_a_requester_reads_their_balance(ada):
    said = ada.get_account_balance()
    assert (said["AvailableBalance"], said["OnHoldBalance"]) == ("100.00", "0.00")


def refused(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response


def test_an_unknown_and_a_revoked_key_are_not_believed(api):
    person, client = api.requester()
    strange = api.client(Made("CB" + "A" * 18, "nothing"))
    assert refused(strange.get_account_balance)["Error"]["Code"] == "UnrecognizedClientException"
    made = api.key(person)
    with api.store.write() as unit:
        keys.revoke(unit, person.id, made.public_id, api.clock())
    assert refused(api.client(made).get_account_balance)["Error"]["Code"] == "UnrecognizedClientException"
    assert client.get_account_balance()["AvailableBalance"] == "100.00"


def test_a_secret_is_not_in_the_database_and_not_read_with_another_installation_s(api):
    person, _ = api.requester()
    made = api.key(person)
    with api.store.read() as unit:
        for row in unit.session.execute(sa.text("SELECT * FROM access_keys")):
            assert made.secret not in str(row)
        assert keys.owner(unit, made.public_id, api.site.broker.secret).secret == made.secret
        assert keys.owner(unit, made.public_id, b"another secret, also of 32 bytes") is None


def test_a_suspended_requester_s_key_does_nothing(api):
    person, client = api.requester()
    with api.store.write() as unit:
        people.suspend(unit, person.id, "fraud", api.clock())
    assert refused(client.get_account_balance)["Error"]["Code"] == "AccessDeniedException"


def test_a_request_signed_long_ago_or_hence_is_not_believed(api, ada, monkeypatch):
    for skew in (SKEW * 1.1, -SKEW * 1.1):
        stamp = (api.clock() + skew).replace(tzinfo=None)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda stamp=stamp, **_: stamp)
        assert refused(ada.get_account_balance)["Error"]["Code"] == "InvalidSignatureException"


def test_an_unsigned_request_is_told_so_in_json(api):
    request = urllib.request.Request(api.url, b"{}", {"X-Amz-Target": "MTurkRequesterServiceV20170117.GetHIT"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as error:
        assert error.code == 400
        assert json.load(error)["__type"] == "MissingAuthenticationTokenException"


def test_what_has_a_wrong_shape_is_named_in_the_api_s_words(ada):
    said = refused(ada.get_file_upload_url, AssignmentId="a lower case id", QuestionIdentifier="q")
    assert said["Error"]["Code"] == "ValidationException"
    assert said["Error"]["Message"] == (
        "1 validation error detected: Value 'a lower case id' at 'assignmentId' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: ^[A-Z0-9]+$"
    )


def test_a_number_that_no_float_holds_has_a_wrong_shape(ada):
    said = refused(ada.list_hits, MaxResults=10**400)
    assert said["Error"]["Code"] == "ValidationException"
    assert "at 'maxResults' failed to satisfy constraint" in said["Error"]["Message"]
