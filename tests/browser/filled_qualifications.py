"""Qualifications in the filled installation: types with and without tests, who holds them, who waits, who is at one."""

from broker.formats import plain_test
from broker.rules.qualification import Comparator, Guard, Requirement, System
from broker.services import notify, qualify
from broker.services.qualify import Kept
from broker.store import jobs, notices
from tests.doors.visiting import publish_job

TEST = """Which of these is a corvid?
* Jay
- Wren
- Swift

Which of these birds sing at night?
* Nightingale
* Reed warbler
- House sparrow

Where have you learnt to tell birds by their voices?"""


def fill(filled):
    """Make them; gives the pages by endpoint: who looks at it, and where."""
    broker, requester, worker = filled.broker, filled.requester, filled.worker
    crowd = [one.person.id for one in filled.crowd]
    questions = plain_test.read(TEST)
    test = {"test": plain_test.form(questions), "answer_key": plain_test.key(questions), "test_seconds": 10_800}

    def show(prefix, row):
        return broker.names(prefix).show(row)

    def make(unit, name, **values):
        return qualify.make(unit, requester.person.id, name, Kept(**values), filled.now).id

    with broker.store.write() as unit:
        birds = make(unit, "Bird voices", description="Tells common birds by their songs and calls.", **test)
        read = make(
            unit,
            "Careful writer",
            description="Writes descriptions that need no correction.",
            **test | {"answer_key": ""},
            retry_seconds=86_400,
        )
        staff = make(unit, "House staff", description="Works in our own office.", active=False)
        make(unit, "Newsletter", description="Wants to hear of new jobs.", auto_granted=True)
        for place, value in zip(crowd[:5], (92, 85, 100, 67, 75), strict=True):
            qualify.grant(unit, staff, requester.person.id, place, value, filled.now)
        qualify.revoke(unit, staff, requester.person.id, crowd[0], "Has moved to another office", filled.now)
        qualify.ask(unit, read, crowd[3], filled.now)
        answers = {"q1": ["c1"], "q2": ["c1", "c2"], "q3": "In my grandmother's garden."}
        qualify.hand_in(unit, read, crowd[3], answers, filled.now)
        qualify.ask(unit, birds, worker.person.id, filled.now)
    with broker.store.write() as unit:
        to = notify.target("SNS", "https://lab.example.org/hook", "2014-08-15")
        notify.try_out(unit, requester.person.id, to, "Ping", filled.now)
        notices.failed(
            unit, [one.id for one in notices.recent(unit, requester.person.id)], "answered 500", None, filled.now
        )
    job = publish_job(broker.store, requester.person, filled.now, title="Bird calls at dawn")
    wanted = [
        Requirement(show("Q", birds), Comparator.AT_LEAST, (80,), guard=Guard.PREVIEW),
        Requirement(System.APPROVED, Comparator.AT_LEAST, (95,)),
    ]
    with broker.store.write() as unit:
        qualify.require(unit, jobs.job(unit, job), wanted, {show("Q", birds): birds})
    mine = f"/work/qualifications/{show('Q', birds)}"
    types = f"/qualifications/{show('Q', read)}"
    return {
        "qualified.listing": (worker, ["/work/qualifications", "/work/qualifications?search=writer"]),
        "qualified.one": (worker, [mine, f"/work/qualifications/{show('Q', read)}"]),
        "qualified.test": (worker, [f"{mine}/test"]),
        "qualified.required": (worker, [f"/work/{show('J', job)}/requirements"]),
        "qualifying.listing": (requester, ["/qualifications"]),
        "qualifying.new": (requester, ["/qualifications/new"]),
        "qualifying.one": (requester, [types, f"/qualifications/{show('Q', staff)}", f"{types}?state=revoked"]),
        "qualifying.edit": (requester, [f"{types}/edit"]),
    }
