"""The pages of qualifications: a worker asks, takes the test and works; a requester makes, grants and takes back."""

import re

import pytest

from broker.rules.qualification import Comparator, Guard, Requirement
from broker.services import qualify
from broker.store import jobs, qualifications, requirements
from broker.store.jobs import Job
from tests.doors.conftest import csrf
from tests.formats.questionforms import FORM

TEST = "Which of these is a corvid?\n* Jay\n- Wren\n\nWhich of these fly?\n* Jay\n* Wren\n- Emu"
BIRDS = {"name": "Birds", "description": "Knows birds", "how": "test", "minutes": "10", "test": TEST, "active": "1"}


@pytest.fixture
def ada(quick):
    return quick.person("ada", "requester")


@pytest.fixture
def bob(quick):
    return quick.person("bob", "worker")


class Browser:
    """Somebody logged in, who fills in forms."""

    def __init__(self, hands, person, path):
        self.client = hands.client(person)
        self.token = csrf(self.client, path)

    def get(self, path):
        return self.client.get(path, follow_redirects=True)

    def post(self, path, **form):
        return self.client.post(path, data={"csrf_token": self.token} | form, follow_redirects=True)


@pytest.fixture
def her(quick, ada):
    return Browser(quick, ada, "/qualifications")


@pytest.fixture
def him(quick, bob):
    return Browser(quick, bob, "/work")


def made(hands, requester, name="Birds", **values):
    kept = qualify.Kept(**{"description": "Knows birds", **values})
    with hands.store.write() as unit:
        return hands.name("Q", qualify.make(unit, requester.id, name, kept, hands.time).id)


def held(hands, worker, name):
    with hands.store.read() as unit:
        return qualifications.values(unit, worker.id, [hands.row("Q", name)]).get(hands.row("Q", name))


def require(hands, job, name, guard=Guard.ACCEPT):
    wanted = Requirement(name, Comparator.AT_LEAST, (80,), guard=guard)
    with hands.store.write() as unit:
        qualify.require(unit, jobs.job(unit, hands.row("J", job)), [wanted], {name: hands.row("Q", name)})


def only(her):
    return re.search(r'href="/qualifications/(Q[0-9A-Z]{12})"', her.get("/qualifications").text)[1]


def test_a_worker_earns_by_a_test_what_a_requester_wrote_as_text(quick, her, him, bob):
    assert her.post("/qualifications/new", **BIRDS).status_code == 200
    name = only(her)
    begun = him.post(f"/work/qualifications/{name}/ask")
    assert "Which of these is a corvid?" in begun.text
    done = him.post(f"/work/qualifications/{name}/test", q0="c1", q1=["c1", "c2"])
    assert "Your test is scored: 100." in done.text
    assert held(quick, bob, name) == 100
    assert "One attempt" in done.text
    assert "once only" in him.get(f"/work/qualifications/{name}").text


def test_a_test_that_is_not_filled_in_comes_back_with_what_was(quick, her, him):
    her.post("/qualifications/new", **BIRDS)
    name = only(her)
    him.post(f"/work/qualifications/{name}/ask")
    refused = him.post(f"/work/qualifications/{name}/test", q1=["c3"])
    assert refused.status_code == 422
    assert "must be answered" in refused.text
    assert re.search(r'name="q1"\s+value="c3"\s+checked', refused.text)


def test_a_test_ends_with_its_time(quick, her, him, bob):
    her.post("/qualifications/new", **BIRDS)
    name = only(her)
    him.post(f"/work/qualifications/{name}/ask")
    quick.wait(611)
    assert "The time for this test is over." in him.post(f"/work/qualifications/{name}/test", q0="c1", q1="c1").text
    assert "Which of these" not in him.get(f"/work/qualifications/{name}/test").text
    assert held(quick, bob, name) is None


def test_the_key_of_a_test_is_on_no_page_of_a_worker(quick, her, him):
    her.post("/qualifications/new", **BIRDS)
    name = only(her)
    him.post(f"/work/qualifications/{name}/ask")
    for path in ("", "/test"):
        page = him.get(f"/work/qualifications/{name}{path}").text
        assert "AnswerScore" not in page
        assert "* Jay" not in page


def test_a_request_is_granted_or_refused_with_a_reason(quick, her, him, ada, bob):
    first, second = made(quick, ada), made(quick, ada, "Trees")
    assert "The requester is asked." in him.post(f"/work/qualifications/{first}/ask").text
    him.post(f"/work/qualifications/{second}/ask")
    for name, act, form in ((first, "accept", {"value": "7"}), (second, "reject", {"reason": "Read the guide"})):
        page = her.get(f"/qualifications/{name}").text
        path = re.search(rf"/qualifications/requests/\w+/{act}", page)[0]
        her.post(path, **form)
        assert "decided already" in her.post(path, **form).text
    assert (held(quick, bob, first), held(quick, bob, second)) == (7, None)
    assert "Read the guide" in him.get(f"/work/qualifications/{second}").text


def test_what_is_granted_by_hand_can_be_taken_back(quick, her, him, ada, bob):
    name = made(quick, ada)
    assert "there is no worker" in her.post(f"/qualifications/{name}/grant", worker="NOBODY", value="5").text
    her.post(f"/qualifications/{name}/grant", worker=bob.public_id, value="5")
    assert held(quick, bob, name) == 5
    assert "granted you the qualification" in him.get("/work/inbox").text
    her.post(f"/qualifications/{name}/revoke", worker=bob.public_id, reason="Guessed <b>")
    assert held(quick, bob, name) is None
    assert "Guessed &lt;b&gt;" in him.get("/work/qualifications").text
    assert bob.public_id in her.get(f"/qualifications/{name}?state=revoked").text


def test_strangers_see_and_change_nothing_of_a_type(quick, ada, bob):
    name = made(quick, ada)
    eve = Browser(quick, quick.person("eve", "requester"), "/qualifications")
    assert eve.get(f"/qualifications/{name}").status_code == 404
    assert eve.get(f"/qualifications/{name}/edit").status_code == 404
    for act in ("edit", "dispose", "grant", "revoke"):
        answer = eve.post(f"/qualifications/{name}/{act}", worker=bob.public_id, value="5", description="x")
        assert answer.status_code == 404, act
    assert held(quick, bob, name) is None


def test_a_type_is_changed_and_a_programs_test_stays_as_it_is(quick, her, ada):
    name = made(quick, ada, test=FORM, test_seconds=600)
    page = her.get(f"/qualifications/{name}/edit").text
    assert "made by a program" in page
    her.post(f"/qualifications/{name}/edit", description="Knows birds well", how="test", minutes="20", active="1")
    with quick.store.read() as unit:
        found = qualifications.qualification_type(unit, quick.row("Q", name))
    assert (found.test, found.test_seconds, found.description) == (FORM, 1200, "Knows birds well")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": " "}, "between 1 and 200"),
        ({"description": ""}, "between 1 and 2000"),
        ({"test": "Which?\n- Jay\n- Wren"}, "line 1: mark the right choices"),
        ({"minutes": "soon"}, "is no whole number"),
        ({"minutes": ""}, "a test needs a time"),
        ({"retry": "-1"}, "is not within"),
    ],
)
def test_a_type_that_cannot_be_keeps_what_was_typed(her, more, words):
    answer = her.post("/qualifications/new", **BIRDS | more)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Which" in answer.text
    assert "No qualifications yet" in her.get("/qualifications").text


def test_a_second_type_of_the_name_is_refused(quick, her, ada):
    made(quick, ada)
    assert "of this name already" in her.post("/qualifications/new", **BIRDS).text


def test_a_worker_without_it_is_told_what_a_job_asks_for(quick, him, ada, bob):
    name, job = made(quick, ada), quick.job(ada)
    require(quick, job, name)
    home = him.get("/work").text
    assert "Birds is at least 80" in home
    assert f"/work/{job}/preview" in home
    page = him.get(f"/work/{job}").text
    assert "Lacking" in page
    assert f"/work/qualifications/{name}" in page
    claimed = quick.page(bob, job).claim().json
    assert claimed["assignment"] is None
    assert claimed["message"] == "This job asks for something you lack: Birds is at least 80."
    with quick.store.write() as unit:
        qualify.grant(unit, quick.row("Q", name), ada.id, bob.id, 80, quick.time)
    assert quick.page(bob, job).claim().json["assignment"] is not None
    assert "Met" in him.get(f"/work/{job}/requirements").text


def test_the_express_lane_looks_at_requirements_too(quick, ada, bob):
    name, job = made(quick, ada), quick.job(ada)
    require(quick, job, name)
    with quick.store.write() as unit:
        qualify.grant(unit, quick.row("Q", name), ada.id, bob.id, 80, quick.time)
    page = quick.page(bob, job)
    turn = page.claim().json["assignment"]
    turn = page.submit(turn).json["assignment"]
    with quick.store.write() as unit:
        qualify.revoke(unit, quick.row("Q", name), ada.id, bob.id, "", quick.time)
    said = page.submit(turn).json
    assert (said["accepted"], said["assignment"]) == (True, None)
    assert "you lack" in said["message"]


def test_a_guarded_preview_and_a_hidden_job_are_not_to_be_seen(quick, him, ada):
    name = made(quick, ada)
    closed, hidden = quick.job(ada, title="Closed"), quick.job(ada, title="Hidden")
    require(quick, closed, name, Guard.PREVIEW)
    require(quick, hidden, name, Guard.DISCOVER)
    home = him.get("/work").text
    assert "Closed" in home
    assert f"/work/{closed}/preview" not in home
    assert "Hidden" not in home
    assert "Lacking" in him.get(f"/work/{closed}/preview").text
    for path in ("", "/preview", "/requirements"):
        assert him.get(f"/work/{hidden}{path}").status_code == 404


def test_a_worker_says_where_they_live(quick, him, bob):
    assert him.post("/work/qualifications", country="us", subdivision="ca", adult="1").status_code == 200
    refused = him.post("/work/qualifications", country="Narnia")
    assert refused.status_code == 422
    assert "two letters" in refused.text
    with quick.store.read() as unit:
        profile = requirements.profile(unit, bob.id)
    assert (profile.country, profile.subdivision, profile.adult) == ("US", "CA", True)


def draft(hands, requester):
    with hands.store.write() as unit:
        job = Job(requester_id=requester.id, title="Birds", created_at=hands.time)
        unit.session.add(job)
        unit.session.flush()
    return hands.name("J", job.id)


def test_a_draft_is_given_requirements_and_loses_them(quick, her, ada):
    name, job = made(quick, ada), draft(quick, ada)
    form = {"act": "add", "type": name, "comparator": "GreaterThanOrEqualTo", "values": "80", "guard": "Accept"}
    page = her.post(f"/jobs/{job}/requirements", **form).text
    assert "Birds is at least 80" in page
    locales = form | {"type": "00000000000000000071", "comparator": "In", "values": "US, FR-75"}
    page = her.post(f"/jobs/{job}/requirements", **locales).text
    assert "Location is one of US, FR-75" in page
    page = her.post(f"/jobs/{job}/requirements", act="0").text
    assert "Birds is at least 80" not in page
    assert "Location is one of US, FR-75" in page


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"values": ""}, "takes one value, not 0"),
        ({"values": "many"}, "is no whole number"),
        ({"comparator": "Likes"}, "choose how the value is compared"),
        ({"type": "00000000000000000071", "values": "Narnia"}, "is no country"),
        ({"type": "QNOBODY"}, "there is no such qualification type"),
    ],
)
def test_a_requirement_that_cannot_be_says_why(quick, her, ada, more, words):
    job = draft(quick, ada)
    form = {"act": "add", "type": made(quick, ada), "comparator": "EqualTo", "values": "1", "guard": "Accept"}
    page = her.post(f"/jobs/{job}/requirements", **form | more).text
    assert words in page
    assert "Everybody." in page
