"""Qualifications through boto3: types, tests, requests, grants, and HITs that require them."""

import pytest

from broker.rules.qualification import System
from broker.services import qualify
from broker.store import blocks
from tests.mturk.conftest import HIT, TYPE, refused
from tests.services.test_qualify import KEY, TEST

CODE = "AWS.MechanicalTurk."
CATS = {"Name": "Cats", "Description": "Knows cats", "QualificationTypeStatus": "Active"}
TESTED = CATS | {"Test": TEST, "AnswerKey": KEY, "TestDurationInSeconds": 600, "RetryDelayInSeconds": 60}


@pytest.fixture
def bob(api):
    return api.worker("bob")


def make(ada, **more):
    return ada.create_qualification_type(**CATS | more)["QualificationType"]["QualificationTypeId"]


def row(api, prefix, name):
    return api.site.broker.names(prefix).read(name)


def ask(api, worker, made):
    with api.store.write() as unit:
        asked = qualify.ask(unit, row(api, "Q", made), worker.id, api.clock())
    return api.site.broker.names("R").show(asked.id)


def hand_in(api, worker, made, **answers):
    with api.store.write() as unit:
        qualify.hand_in(unit, row(api, "Q", made), worker.id, answers, api.clock())


def test_a_type_shows_what_it_was_made_of(api, ada):
    made = ada.create_qualification_type(**TESTED, Keywords="pets")["QualificationType"]
    assert {name: made[name] for name in TESTED} == TESTED
    assert (made["IsRequestable"], made["AutoGranted"], made["CreationTime"]) == (True, False, api.clock())
    assert ada.get_qualification_type(QualificationTypeId=made["QualificationTypeId"])["QualificationType"] == made


def test_a_second_type_of_the_name_is_refused_in_words_that_clients_match(ada):
    make(ada)
    code, words = refused(ada.create_qualification_type, **CATS)
    assert code == CODE + "QualificationTypeAlreadyExists"
    assert words.startswith("You have already created a QualificationType with this name.")


def test_a_type_is_changed_in_what_is_said_and_stays_in_the_rest(ada):
    made = make(ada, RetryDelayInSeconds=60, AutoGranted=True, AutoGrantedValue=7)
    changed = ada.update_qualification_type(QualificationTypeId=made, QualificationTypeStatus="Inactive")
    said = changed["QualificationType"]
    assert (said["QualificationTypeStatus"], said["IsRequestable"]) == ("Inactive", False)
    assert (said["RetryDelayInSeconds"], said["AutoGrantedValue"], said["Description"]) == (60, 7, "Knows cats")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Test": "<nothing", "TestDurationInSeconds": 60}, "XMLParseError"),
        ({"Test": TEST}, "InvalidParameterValue"),
        ({"AnswerKey": KEY}, "InvalidParameterValue"),
        ({"Test": TEST, "AnswerKey": "<AnswerKey/>", "TestDurationInSeconds": 60}, "XMLParseError"),
        ({"Test": TEST, "TestDurationInSeconds": 60, "AutoGranted": True}, "InvalidParameterValue"),
    ],
)
def test_a_type_that_cannot_be_is_refused(ada, more, code):
    assert refused(ada.create_qualification_type, **CATS | more)[0] == CODE + code
    assert ada.list_qualification_types(MustBeRequestable=False)["NumResults"] == 0


def test_a_deleted_type_does_not_exist_and_its_name_is_free(api, ada, bob):
    made = make(ada)
    ask(api, bob, made)
    ada.delete_qualification_type(QualificationTypeId=made)
    for call in (ada.get_qualification_type, ada.delete_qualification_type):
        code, words = refused(call, QualificationTypeId=made)
        assert (code, words) == (CODE + "QualificationTypeDoesNotExist", f"QualificationType {made} does not exist.")
    assert ada.list_qualification_requests()["NumResults"] == 0
    assert make(ada) != made


def test_types_are_found_by_words_and_by_owner(api, ada):
    other = api.requester("eve")[1]
    cats, dogs = make(ada), make(ada, Name="Dogs", Description="Knows dogs", QualificationTypeStatus="Inactive")
    birds = make(other, Name="Birds", Description="Knows what cats eat")

    def found(client=ada, **wanted):
        said = client.list_qualification_types(**{"MustBeRequestable": False} | wanted)
        return [one["QualificationTypeId"] for one in said["QualificationTypes"]]

    assert found() == [cats, dogs, birds]
    assert found(Query="cats") == [cats, birds]
    assert found(Query="cats eat") == [birds]
    assert found(MustBeOwnedByCaller=True) == [cats, dogs]
    assert found(MustBeRequestable=True) == [cats, birds]
    assert found(other, MustBeOwnedByCaller=True) == [birds]


def test_the_key_of_a_test_is_its_owners_alone(api, ada):
    made = make(ada, **TESTED)
    other = api.requester("eve")[1]
    assert "AnswerKey" not in other.get_qualification_type(QualificationTypeId=made)["QualificationType"]
    (listed,) = other.list_qualification_types(MustBeRequestable=True)["QualificationTypes"]
    assert "AnswerKey" not in listed
    assert listed["Test"] == TEST


@pytest.mark.parametrize("system", System)
def test_system_qualifications_are_there_to_be_read(ada, system):
    said = ada.get_qualification_type(QualificationTypeId=system)["QualificationType"]
    assert (said["QualificationTypeId"], said["IsRequestable"]) == (system, False)


def test_a_qualification_is_granted_read_and_taken_back(api, ada, bob):
    made = make(ada)
    held = {"QualificationTypeId": made, "WorkerId": bob.public_id}
    code, words = refused(ada.get_qualification_score, **held)
    assert code == CODE + "QualificationDoesNotExist"
    assert "does not exist" in words
    ada.associate_qualification_with_worker(**held, IntegerValue=80)
    expected = {**held, "IntegerValue": 80, "Status": "Granted", "GrantTime": api.clock()}
    assert ada.get_qualification_score(**held)["Qualification"] == expected
    ada.disassociate_qualification_from_worker(**held, Reason="Guessed")
    code, words = refused(ada.get_qualification_score, **held)
    assert code == CODE + "InvalidQualificationState"
    assert "operation can be called with a status of: Granted" in words
    assert refused(ada.disassociate_qualification_from_worker, **held)[0] == CODE + "InvalidQualificationState"
    ada.associate_qualification_with_worker(**held)
    assert ada.get_qualification_score(**held)["Qualification"]["IntegerValue"] == 1


def test_a_worker_is_told_of_a_grant_unless_that_is_not_wanted(api, ada, bob):
    held = {"QualificationTypeId": make(ada), "WorkerId": bob.public_id}
    ada.associate_qualification_with_worker(**held, SendNotification=False)
    ada.associate_qualification_with_worker(**held, IntegerValue=5)
    with api.store.read() as unit:
        (told,) = blocks.inbox(unit, bob.id)
    assert told[0].text == "Ada granted you the qualification “Cats” with the value 5."


def test_nobody_grants_or_reads_a_strangers_type(api, ada, bob):
    held = {"QualificationTypeId": make(ada), "WorkerId": bob.public_id}
    eve = api.requester("eve")[1]
    for call in (eve.associate_qualification_with_worker, eve.get_qualification_score):
        assert refused(call, **held)[0] == CODE + "QualificationTypeDoesNotExist"
    assert refused(eve.update_qualification_type, QualificationTypeId=held["QualificationTypeId"])[0] == (
        CODE + "QualificationTypeDoesNotExist"
    )


def test_holders_are_listed_by_status_page_by_page(api, ada):
    made, names = make(ada), []
    for number in range(5):
        worker = api.worker(f"worker{number}")
        names.append(worker.public_id)
        ada.associate_qualification_with_worker(QualificationTypeId=made, WorkerId=worker.public_id)
    ada.disassociate_qualification_from_worker(QualificationTypeId=made, WorkerId=names[2])
    pages = ada.get_paginator("list_workers_with_qualification_type")

    def listed(status):
        found = pages.paginate(QualificationTypeId=made, Status=status, PaginationConfig={"PageSize": 2})
        return [one["WorkerId"] for page in found for one in page["Qualifications"]]

    assert listed("Granted") == [*names[:2], *names[3:]]
    assert listed("Revoked") == [names[2]]


def test_a_request_is_listed_and_accepted(api, ada, bob):
    made = make(ada)
    asked = ask(api, bob, made)
    (said,) = ada.list_qualification_requests()["QualificationRequests"]
    assert said == {
        "QualificationRequestId": asked,
        "QualificationTypeId": made,
        "WorkerId": bob.public_id,
        "SubmitTime": api.clock(),
    }
    ada.accept_qualification_request(QualificationRequestId=asked, IntegerValue=3)
    held = ada.get_qualification_score(QualificationTypeId=made, WorkerId=bob.public_id)["Qualification"]
    assert held["IntegerValue"] == 3
    code, _ = refused(ada.reject_qualification_request, QualificationRequestId=asked)
    assert code == CODE + "InvalidQualificationRequestState"
    assert refused(ada.accept_qualification_request, QualificationRequestId="RNONE")[0] == (
        CODE + "QualificationRequestDoesNotExist"
    )


def test_a_test_without_a_key_comes_with_its_answers(api, ada, bob):
    made = make(ada, Test=TEST, TestDurationInSeconds=600)
    asked = ask(api, bob, made)
    assert ada.list_qualification_requests(QualificationTypeId=made)["NumResults"] == 0  # still at it
    hand_in(api, bob, made, pet="cat", why="It purrs & sleeps")
    (said,) = ada.list_qualification_requests(QualificationTypeId=made)["QualificationRequests"]
    assert said["Test"] == TEST
    assert "<SelectionIdentifier>cat</SelectionIdentifier>" in said["Answer"]
    assert "<FreeText>It purrs &amp; sleeps</FreeText>" in said["Answer"]
    ada.reject_qualification_request(QualificationRequestId=asked, Reason="Read the guide first")
    assert ada.list_qualification_requests()["NumResults"] == 0


def test_a_test_with_a_key_needs_nobody(api, ada, bob):
    made = make(ada, **TESTED)
    ask(api, bob, made)
    hand_in(api, bob, made, pet="cat")
    held = ada.get_qualification_score(QualificationTypeId=made, WorkerId=bob.public_id)["Qualification"]
    assert held["IntegerValue"] == 100
    assert ada.list_qualification_requests()["NumResults"] == 0


def test_requests_and_types_come_in_pages(api, ada):
    made = [make(ada, Name=f"Type {number}") for number in range(3)]
    asked = [ask(api, api.worker(f"worker{number}"), made[0]) for number in range(3)]
    pages = ada.get_paginator("list_qualification_requests").paginate(PaginationConfig={"PageSize": 1})
    assert [one["QualificationRequestId"] for page in pages for one in page["QualificationRequests"]] == asked
    pages = ada.get_paginator("list_qualification_types")
    found = pages.paginate(MustBeRequestable=True, PaginationConfig={"PageSize": 2})
    assert [one["QualificationTypeId"] for page in found for one in page["QualificationTypes"]] == made


def requires(made, comparator="GreaterThanOrEqualTo", *integers, **more):
    values = {"IntegerValues": list(integers)} if integers else {}
    return {"QualificationTypeId": made, "Comparator": comparator, **values, **more}


def test_a_hit_goes_to_workers_who_meet_its_requirements(api, ada, bob):
    made = make(ada)
    hit = ada.create_hit(**HIT, QualificationRequirements=[requires(made, "GreaterThanOrEqualTo", 80)])["HIT"]
    (shown,) = hit["QualificationRequirements"]
    assert shown == requires(made, "GreaterThanOrEqualTo", 80, RequiredToPreview=False, ActionsGuarded="Accept")
    assert api.claim(bob, hit["HITTypeId"]) is None
    ada.associate_qualification_with_worker(QualificationTypeId=made, WorkerId=bob.public_id, IntegerValue=80)
    assert api.claim(bob, hit["HITTypeId"]) is not None


def test_hits_that_require_a_type_are_listed_in_pages(ada):
    made, other = make(ada), make(ada, Name="Dogs")
    wanted = [
        ada.create_hit(**HIT | {"Title": f"HIT {number}"}, QualificationRequirements=[requires(made, "Exists")])["HIT"]
        for number in range(3)
    ]
    ada.create_hit(**HIT)
    ada.create_hit(**HIT, QualificationRequirements=[requires(other, "Exists")])
    pages = ada.get_paginator("list_hits_for_qualification_type")
    found = [
        one["HITId"]
        for page in pages.paginate(QualificationTypeId=made, PaginationConfig={"PageSize": 2})
        for one in page["HITs"]
    ]
    assert found == [one["HITId"] for one in wanted]


USUAL = [
    requires(System.APPROVED.value, "GreaterThanOrEqualTo", 95, RequiredToPreview=True),
    requires(System.NUMBER_APPROVED.value, "GreaterThanOrEqualTo", 1000),
    {"QualificationTypeId": System.LOCALE.value, "Comparator": "In", "LocaleValues": [{"Country": "US"}]},
]


def test_what_migrated_scripts_always_ask_for_lets_newcomers_work(api, ada, bob):
    hit = ada.create_hit(**HIT, QualificationRequirements=USUAL)["HIT"]
    assert hit["QualificationRequirements"][0]["ActionsGuarded"] == "PreviewAndAccept"
    assert api.claim(bob, hit["HITTypeId"]) is not None


def test_a_country_in_small_letters_is_that_country(api, ada, bob):
    with api.store.write() as unit:
        qualify.introduce(unit, bob.id, "US", "CA", adult=False)
    place = {"Country": "us", "Subdivision": "ca"}
    wanted = requires(System.LOCALE.value, "EqualTo", LocaleValues=[place])
    hit = ada.create_hit(**HIT, QualificationRequirements=[wanted])["HIT"]
    assert hit["QualificationRequirements"][0]["LocaleValues"] == [{"Country": "US", "Subdivision": "CA"}]
    assert api.claim(bob, hit["HITTypeId"]) is not None


def test_types_that_require_the_same_are_the_same(ada):
    older = ada.create_hit_type(**TYPE, QualificationRequirements=USUAL)["HITTypeId"]
    newer = [one | {"ActionsGuarded": "PreviewAndAccept"} if "RequiredToPreview" in one else one for one in USUAL]
    assert ada.create_hit_type(**TYPE, QualificationRequirements=newer)["HITTypeId"] == older
    assert ada.create_hit_type(**TYPE)["HITTypeId"] != older


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        (requires("QNOBODY", "Exists"), "QualificationType QNOBODY does not exist"),
        (requires(System.APPROVED.value, "In"), "In takes 1 to 15 values"),
        (requires(System.LOCALE.value, "GreaterThan", 5), "compared with locales"),
    ],
)
def test_a_requirement_that_cannot_be_makes_no_hit(ada, requirement, words):
    code, said = refused(ada.create_hit, **HIT, QualificationRequirements=[requirement])
    assert code == CODE + "InvalidParameterValue"
    assert words in said
    assert ada.list_hits()["NumResults"] == 0


def test_a_worker_may_try_again_after_the_delay(api, ada, bob):
    made = make(ada, **TESTED)
    ask(api, bob, made)
    hand_in(api, bob, made, pet="dog")
    with pytest.raises(qualify.NotNow):
        ask(api, bob, made)
    api.clock.move(seconds=60)
    ask(api, bob, made)
    hand_in(api, bob, made, pet="cat")
    held = ada.get_qualification_score(QualificationTypeId=made, WorkerId=bob.public_id)["Qualification"]
    assert held["IntegerValue"] == 100
