"""The worker's pages: what is open to them, the HIT page and its preview, their answers and earnings."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from broker.rules.order import ORDINARY
from broker.services import judge, settle
from broker.store import hits
from broker.store.work import Assignment, Cursor
from broker.web import worker
from tests.doors.conftest import NOON, TEXTS, choice

PAGES = ("/work", "/work/{}", "/work/{}/preview", "/work/history", "/work/earnings")


def words(reply):
    """What a page says, without its markup."""
    assert reply.status_code == 200, reply.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.text.partition("<main")[2]))


def settled(hands, job):
    """Judge and pay what was submitted."""
    with hands.store.write() as unit:
        judge.judge(unit, hands.row("J", job), hands.time)
        settle.settle(unit, hands.row("J", job), hands.time)


@pytest.fixture
def people(hands):
    return hands, hands.person("rita", "requester"), hands.person("walt")


def test_reading_a_page_leases_nothing(people):
    hands, rita, walt = people
    client, job = hands.client(walt), hands.job(rita)
    for path in PAGES:
        words(client.get(path.format(job)))
        client.head(path.format(job))
    with hands.store.read() as unit:
        assert unit.session.scalar(sa.select(sa.func.count()).select_from(Assignment)) == 0
        assert unit.session.scalar(sa.select(sa.func.count()).select_from(Cursor)) == 0


def test_a_newcomer_reads_what_each_page_will_show(people):
    hands, _, walt = people
    client = hands.client(walt)
    assert "No job has HITs right now" in words(client.get("/work"))
    assert "No answers yet" in words(client.get("/work/history"))
    assert "Nothing earned yet" in words(client.get("/work/earnings"))


def test_the_home_page_shows_a_job_with_its_real_times(people):
    hands, rita, walt = people
    job = hands.job(rita, title="Tone <b>of</b> messages", description="Short & plain.")
    text = words(hands.client(walt).get("/work"))
    assert "1 job has HITs for you." in text
    for part in ("Tone &lt;b&gt;of&lt;/b&gt; messages", "Rita", "Short &amp; plain.", "0.02", "Per hour –", "time –"):
        assert part in text
    page = hands.page(walt, job)
    for seconds in (2, 4, 600):
        page.submit(page.claim().json["assignment"], seconds=seconds, claim=False)
    text = words(page.client.get("/work"))
    for part in ("Answers today 3", "Earned today 0.06", "you gave 3 answers", "Per hour 18.00", "4.0 s", "for you 4"):
        assert part in text


def test_jobs_in_hand_come_first_and_jobs_with_nothing_left_do_not_come(people):
    hands, rita, walt = people
    old, done, new = (hands.job(rita, title=title, texts=["Only one."]) for title in ("Old", "Finished", "New"))
    page = hands.page(walt, done)
    page.submit(page.claim().json["assignment"], claim=False)
    assert re.findall(r"Old|Finished|New", words(page.client.get("/work"))) == ["New", "Old"]
    hands.page(walt, old).claim()
    text = words(page.client.get("/work"))
    assert re.findall(r"Old|Finished|New", text) == ["Old", "New"]
    assert text.index("Continue") < text.index("Start")
    assert new in page.client.get("/work").text


def test_who_has_done_all_is_told_so(people):
    hands, rita, walt = people
    page = hands.page(walt, hands.job(rita, texts=["Only one."]))
    page.submit(page.claim().json["assignment"], claim=False)
    assert "You have done all there is" in words(page.client.get("/work"))
    assert "There is no HIT left for you in this job." in words(page.client.get(f"/work/{page.job}/preview"))


def test_hits_that_a_worker_answered_are_not_left_for_them(people):
    hands, rita, walt = people
    job = hands.job(rita, redundancy=1)
    other = hands.page(hands.person("wilma"), job)
    page = hands.page(walt, job)
    page.submit(page.claim().json["assignment"], claim=False)
    assert other.claim().json["left"] == 5
    with hands.store.read() as unit:
        positions, done = hits.place(unit, hands.row("J", job), walt.id)
        assert (positions[ORDINARY], done) == (1, 1)
    assert "for you 5" in words(page.client.get("/work"))


def test_the_hit_page_shows_what_the_worker_holds(people):
    hands, rita, walt = people
    page = hands.page(walt, hands.job(rita))
    assert TEXTS[0] not in page.client.get(f"/work/{page.job}").text
    page.claim()
    assert TEXTS[0] in page.client.get(f"/work/{page.job}").text


def test_a_preview_shows_an_ordinary_item_and_never_its_truth(people):
    hands, rita, walt = people
    gold = {0: "angry", 1: "glad"}
    page = hands.page(walt, hands.job(rita, gold=gold, gold_percent=10))
    text = page.client.get(f"/work/{page.job}/preview").text
    assert (TEXTS[2] in text, TEXTS[0] in text, TEXTS[1] in text, "truth" in text) == (True, False, False, False)


def test_the_history_shows_each_own_answer_once_the_newest_first(people, monkeypatch):
    hands, rita, walt = people
    monkeypatch.setattr(worker, "A_PAGE", 3)
    page, other = (hands.page(one, hands.job(rita)) for one in (walt, hands.person("wilma")))
    other.submit(other.claim().json["assignment"], choice("angry"))
    for label in ("calm", "glad", "glad", "calm", "glad", "calm", "calm"):
        page.submit(page.claim().json["assignment"], choice(label), claim=False)
    path, seen = "/work/history", []
    while path:
        reply = page.client.get(path)
        seen += re.findall(r"<bdi>(calm|angry|glad)</bdi>", reply.text)
        older = re.search(r'href="(/work/history\?before=[^"]+)"', reply.text)
        path = older and older[1]
    assert seen == ["calm", "calm", "glad", "calm", "glad", "glad", "calm"]
    assert page.client.get("/work/history?before=T1").status_code == 404


def test_gold_in_the_history_looks_like_any_other_answer(people):
    hands, rita, walt = people
    job = hands.job(rita, gold=dict.fromkeys(range(4), "angry"), gold_percent=50)
    page = hands.page(walt, job)
    while turn := page.claim().json["assignment"]:
        page.submit(turn, claim=False)
    settled(hands, job)
    rows = re.findall(r"<tr>.*?</tr>", page.client.get("/work/history").text, re.DOTALL)[1:]
    with hands.store.read() as unit:
        graded = sa.select(sa.func.count()).where(Assignment.score.is_not(None))
        assert 0 < unit.session.scalar(graded) < len(rows)
    # Each leads to the page of its own answer, whose name is an enciphered number.
    assert len({re.sub(r'href="/work/answers/\w+"', "", row) for row in rows}) == 1


def test_earnings_are_what_the_ledger_says(people):
    hands, rita, walt = people
    job = hands.job(rita)
    page = hands.page(walt, job)
    for seconds in (10, 30):
        page.submit(page.claim().json["assignment"], seconds=seconds, claim=False)
    settled(hands, job)
    hands.time = NOON + dt.timedelta(days=2)
    page.submit(page.claim().json["assignment"], seconds=None, claim=False)
    text = words(page.client.get("/work/earnings"))
    for part in ("Balance 0.04", "Last 30 days 0.04", "Waiting for approval 0.02", "3 40 s 3.60 0.02 0.04"):
        assert part in text
    assert re.search(r"2 rewards Tone of messages 02 Mar 2026, 12:00 UTC \+0\.04", text)
    assert "most on 02 March" in page.client.get("/work/earnings").text
    hands.time = NOON + dt.timedelta(days=40)
    text = words(hands.client(walt).get("/work/earnings"))
    assert ("Balance 0.04" in text, "Nothing was paid in the last 30 days" in text) == (True, True)


def test_a_statement_goes_on_by_pages_and_tells_deposits_from_rewards(people, monkeypatch):
    hands, *_ = people
    monkeypatch.setattr(worker, "A_PAGE", 1)
    both = hands.person("bo", "requester", "worker", credit=5_000_000)
    hands.job(both, title="My own job")
    client = hands.client(both)
    reply = client.get("/work/earnings")
    assert "Set aside My own job" in words(reply)
    older = re.search(r'href="(/work/earnings\?before=[^"#]+)', reply.text)[1]
    assert "Opening credit" in words(client.get(older))
    assert "Last 30 days 0.00" in words(reply)


def test_visitors_are_sent_to_log_in_and_back(quick):
    for path in ("/work", "/work/history", "/work/earnings", "/work/J0", "/work/J0/preview"):
        reply = quick.client().get(path)
        assert (reply.status_code, reply.location.partition("?")[0]) == (302, "/login")
        assert path.replace("/", "%2F") in reply.location or path in reply.location


def test_who_does_not_choose_gets_a_job_that_has_something_for_them(people):
    hands, rita, walt = people
    page = hands.page(walt, hands.job(rita, texts=["Only one."]))
    assert page.client.get("/work/next").location == f"/work/{page.job}"
    page.submit(page.claim().json["assignment"])
    assert page.client.get("/work/next").location == "/work"
    assert "There is no HIT left for you in any job at the moment." in words(page.client.get("/work"))
