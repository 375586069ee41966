"""What admins see and do; every act stands in the audit log."""

import datetime as dt
import re
import threading

import pytest

from broker.errors import BrokerError, Conflict, Forbidden, Invalid
from broker.rules import ledger
from broker.services import claim, enroll, judge, oversee, settle, submit
from broker.services.oversee import Act
from broker.store import errands, money, people, schedule, turns
from broker.store.errands import ErrandState
from broker.store.people import Person
from broker.store.work import Hit
from tests.doors.visiting import PASSWORD, Clock, publish_job, trust
from workers.schedule import SCHEDULE

NOW = Clock()()
SECRET = b"a secret of the tests, of 32 bytes"


def enlist(store, name, *roles, credit=0):
    account = enroll.Account(f"{name}@example.org", name.title(), PASSWORD, roles or ("worker",))
    account.__dict__["password_hash"] = "no hash"
    with store.write() as unit:
        return enroll.sign_up(unit, account, NOW, credit=credit)


def act(actor, about, reason="copies answers"):
    return Act(actor and actor.id, about.public_id, reason, NOW)


def fresh(store, person):
    with store.read() as unit:
        return people.person(unit, person.id)


def logged(store):
    with store.read() as unit:
        return [(a.name, a.subject, a.reason, who and who.name) for a, who, _ in people.acts(unit) if a.actor_id]


def test_suspending_ends_sessions_gives_hits_back_and_is_logged(store):
    ada, bob, eve = enlist(store, "ada", "admin"), enlist(store, "bob"), enlist(store, "eve", "requester", credit=10**9)
    job_id = publish_job(store, eve, NOW, redundancy=1)
    with store.write() as unit:
        enroll.log_in(unit, bob, "a token's hash", "", NOW)
        offer = claim.claim(unit, job_id, bob.id, (), NOW, SECRET)
    with store.write() as unit:
        oversee.suspend(unit, act(ada, bob))
    with store.read() as unit:
        assert people.logged_in(unit, "a token's hash", NOW) is None
        assert turns.assignment(unit, offer.assignment_id, bob.id).state == "returned"
        hit = unit.session.get(Hit, offer.hit_id)
        assert (hit.taken, hit.open) == (0, True)
    assert fresh(store, bob).suspended_reason == "copies answers"
    assert logged(store) == [("suspend", bob.public_id, "copies answers", "Ada")]


def test_restoring_lets_somebody_in_again(store):
    ada, bob = enlist(store, "ada", "admin"), enlist(store, "bob")
    with store.write() as unit:
        oversee.suspend(unit, act(ada, bob))
    with store.write() as unit:
        oversee.restore(unit, act(ada, bob, "it was a misunderstanding"))
    assert fresh(store, bob).suspended_at is None
    assert [line[0] for line in logged(store)] == ["restore", "suspend"]


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        (lambda unit, ada, bob: oversee.suspend(unit, act(ada, ada)), Forbidden),
        (lambda unit, ada, bob: oversee.suspend(unit, act(ada, bob, "  ")), Invalid),
        (lambda unit, ada, bob: oversee.suspend(unit, act(ada, bob, "x" * 1001)), Invalid),
        (lambda unit, ada, bob: oversee.suspend(unit, act(bob, ada)), Forbidden),
        (lambda unit, ada, bob: oversee.suspend(unit, act(None, ada)), Conflict),
        (lambda unit, ada, bob: oversee.restore(unit, act(ada, bob)), Conflict),
        (lambda unit, ada, bob: oversee.set_role(unit, act(ada, ada), "admin", given=False), Forbidden),
        (lambda unit, ada, bob: oversee.set_role(unit, act(None, ada), "admin", given=False), Conflict),
        (lambda unit, ada, bob: oversee.set_role(unit, act(ada, bob), "worker", given=True), Conflict),
        (lambda unit, ada, bob: oversee.set_role(unit, act(ada, bob), "id", given=True), Invalid),
        (lambda unit, ada, bob: oversee.set_roles(unit, act(ada, bob), {"worker"}), Invalid),
        (lambda unit, ada, bob: oversee.set_roles(unit, act(bob, bob), {"worker", "admin"}), Forbidden),
        (lambda unit, ada, bob: oversee.add_credit(unit, act(ada, bob), 5, once="1"), Conflict),
        (lambda unit, ada, bob: oversee.add_credit(unit, act(ada, bob), 0, once="1"), Invalid),
    ],
)
def test_what_admins_may_not_do_changes_and_logs_nothing(store, deed, error):
    ada, bob = enlist(store, "ada", "admin"), enlist(store, "bob")
    with pytest.raises(error), store.write() as unit:
        deed(unit, ada, bob)
    assert (fresh(store, ada).roles, fresh(store, bob).roles) == ({"admin"}, {"worker"})
    assert fresh(store, ada).suspended_at is fresh(store, bob).suspended_at is None
    assert logged(store) == []


def test_two_admins_cannot_shut_each_other_out_at_once(store):
    ada, bob = enlist(store, "ada", "admin"), enlist(store, "bob", "admin")
    start, failed = threading.Barrier(2), []

    def shut_out(actor, about):
        start.wait()
        try:
            with store.write() as unit:
                oversee.suspend(unit, act(actor, about))
        except BrokerError as error:
            failed.append(error)

    threads = [threading.Thread(target=shut_out, args=pair) for pair in ((ada, bob), (bob, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1
    assert len(logged(store)) == 1


def test_credit_sent_twice_counts_once(store):
    ada, eve = enlist(store, "ada", "admin"), enlist(store, "eve", "requester")
    for once in ("1", "1", "2"):
        with store.write() as unit:
            balance = oversee.add_credit(unit, act(ada, eve, "invoice 7"), 5_000_000, once=once)
    assert balance == 10_000_000
    assert [line[0] for line in logged(store)] == ["add credit", "add credit"]


def fail(store, subject):
    with store.write() as unit:
        errands.later(unit, "judge", subject, NOW)
    with store.write() as unit:
        errand = errands.take(unit, "errands", NOW)
    with store.write() as unit:
        errands.finish(unit, errand.id, ErrandState.FAILED, "ValueError('no such label')", NOW)
        return errand


def test_a_failed_errand_is_retried_once(store):
    ada, errand = enlist(store, "ada", "admin"), fail(store, 7)
    with store.write() as unit:
        oversee.retry(unit, ada.id, errand.id, NOW)
    with store.read() as unit:
        assert errands.waiting(unit) == {"errands"}
        assert errands.failures(unit) == []
    with pytest.raises(Conflict), store.write() as unit:
        oversee.retry(unit, ada.id, errand.id, NOW)
    assert len(logged(store)) == 1


@pytest.mark.parametrize("text", ["", "a", "-1", "0", "nan", "inf", "1000001", "0.0000001", "1e9", "1_0,0"])
def test_a_credit_that_is_no_amount_is_refused(text):
    with pytest.raises(Invalid):
        ledger.parse_credit(text)


@pytest.mark.parametrize(("text", "micros"), [("100", 10**8), (" 12.50 ", 12_500_000), ("0.000001", 1), ("1e3", 10**9)])
def test_a_credit_is_read_to_the_micro(text, micros):
    assert ledger.parse_credit(text) == micros


# ---- The pages ----


@pytest.fixture
def ada(site):
    return site.logged_in("ada", "admin")


def test_workers_are_listed_by_trust_and_sorted_by_link(site, ada):
    with site.store.write() as unit:
        for name, mean, answers in (("bob", 0.5, 300), ("cyd", 0.9, 100), ("dan", 0.7, 200)):
            unit.session.add(trust(site.enlist_in(unit, name).id, mean=mean, answers=answers))
        site.enlist_in(unit, "eve")

    def names(query):
        return re.findall(r'href="/admin/workers/A\w+"><bdi>(\w+)', ada.get(f"/admin/workers{query}").text)

    assert names("") == ["Bob", "Dan", "Cyd", "Eve"]
    assert names("?order=down") == ["Cyd", "Dan", "Bob", "Eve"]
    assert names("?sort=answers") == ["Cyd", "Dan", "Bob", "Eve"]
    assert names("?sort=name&order=down") == ["Eve", "Dan", "Cyd", "Bob"]
    assert names("?q=DAN%40") == ["Dan"]
    assert names("?q=%25") == []
    assert names("?sort=password_hash") == ["Bob", "Dan", "Cyd", "Eve"]
    assert names("?page=1") == names("?page=-1&q=nobody") == []


def test_the_list_draws_the_interval(site, ada):
    with site.store.write() as unit:
        unit.session.add(trust(site.enlist_in(unit, "bob").id, mean=0.61, low=0.5, high=0.7))
    assert 'aria-label="Trust 0.61, between 0.50 and 0.70"' in ada.get("/admin/workers").text


def test_a_workers_record_shows_jobs_gold_answers_and_earnings(site, ada):
    bob, eve = site.enlist("bob"), site.enlist("eve", "requester", credit=10**9)
    job_id = publish_job(site.store, eve, NOW, rows=8, golds=4, title="Tone of letters")
    with site.store.write() as unit:
        for _ in range(6):
            offer = claim.claim(unit, job_id, bob.id, (), NOW, SECRET)
            submit.submit(unit, offer.assignment_id, bob.id, {"category": {"label": "angry"}}, 4.2, NOW)
        judge.judge(unit, job_id, NOW)
        settle.settle(unit, job_id, NOW)
        unit.session.add_all([trust(bob.id), trust(bob.id, job_id, mean=0.77)])
    page = ada.get(f"/admin/workers/{bob.public_id}").text
    for word in ("Tone of letters", "0.77", "Gold record", "Wrong", "calm", "angry", "Approved", "9/10", "0.12"):
        assert word in page, word


def test_signals_stand_in_the_list_and_with_their_evidence_on_the_workers_page(site, ada):
    bob, eve = site.enlist("bob"), site.enlist("eve", "requester", credit=10**9)
    job_id = publish_job(site.store, eve, NOW, rows=8, golds=4, title="Tone of letters")
    figures = {"known": 0.03, "compared": 40.0, "score": 0.05}
    told = {"told": [{"name": "random", "p": 0.004, "figures": figures, "job": job_id}]}
    table = {"labels": ["calm", "<i>angry"], "counts": [[12.0, 7.3], [0.0, 20.7]]}
    with site.store.write() as unit:
        unit.session.add(trust(bob.id, signals=told))
        unit.session.add(trust(bob.id, job_id, signals=told, score=0.05, confusion=table))
    assert "At random" in ada.get("/admin/workers").text
    page = ada.get(f"/admin/workers/{bob.public_id}").text
    for word in ("At random", "Tone of letters", "to guess the rest", "one in 250", "0.05", "7.3", "&lt;i&gt;angry"):
        assert word in page, word
    assert "<i>angry" not in page


def test_suspending_by_the_form_and_reading_it_in_the_audit_log(site, ada):
    bob = site.logged_in("bob")
    with site.store.read() as unit:
        name = people.by_email(unit, "bob@example.org").public_id
    form = {"page": "worker", "why_standing": "copies <b>answers</b>"}
    answer = ada.post(f"/admin/accounts/{name}/suspend", form)
    assert answer.location == f"/admin/workers/{name}"
    assert bob.get("/account").status_code == 302
    page = ada.get(f"/admin/audit?about={name}").text
    for word in ("Suspend", "Ada", "Bob", "copies &lt;b&gt;answers&lt;/b&gt;", "sessions ended: 1"):
        assert word in page
    ada.post(f"/admin/accounts/{name}/restore", {"why_standing": "sorry"})
    assert site.visitor().log_in("bob@example.org").status_code == 302


def test_a_missing_reason_is_asked_for_beside_its_field(site, ada):
    bob = site.enlist("bob")
    for page in ("worker", "account"):
        answer = ada.post(f"/admin/accounts/{bob.public_id}/suspend", {"page": page, "why_standing": " "})
        assert answer.status_code == 422
        assert answer.text.count("Write between 1 and 1000 characters.") == 2
    assert fresh(site.store, bob).suspended_at is None


def test_roles_are_given_and_taken_by_the_form(site, ada):
    bob = site.enlist("bob")
    path = f"/admin/accounts/{bob.public_id}/roles"
    form = {"roles": ["requester", "admin"], "why_roles": "joins the team"}
    assert ada.post(path, form).status_code == 302
    assert fresh(site.store, bob).roles == {"requester", "admin"}
    assert len(logged(site.store)) == 3
    assert "Nothing was changed." in ada.post(path, form).text


def test_nobody_takes_their_own_admin_role_by_the_form(site, ada):
    site.enlist("bob", "admin")
    with site.store.read() as unit:
        me = people.by_email(unit, "ada@example.org")
    answer = ada.post(f"/admin/accounts/{me.public_id}/roles", {"roles": "worker", "why_roles": "tired"})
    assert answer.status_code == 403
    assert "Ask another admin" in answer.text
    assert fresh(site.store, me).roles == {"admin"}


def test_credit_is_added_by_the_form_and_bad_amounts_named(site, ada):
    eve = site.enlist("eve", "requester")
    path = f"/admin/accounts/{eve.public_id}/credit"
    bad = ada.post(path, {"amount": "-5", "why_credit": "invoice 7", "once": "a"})
    assert (bad.status_code, bad.text.count("is not more than 0")) == (422, 2)
    for _ in range(2):
        ada.post(path, {"amount": "12.50", "why_credit": "invoice 7", "once": "a"})
    with site.store.read() as unit:
        assert money.balance(unit, ledger.person(eve.id)) == 12_500_000
    assert "12.50" in ada.get("/admin/audit").text


def test_accounts_and_audit_lines_come_in_pages(site, ada):
    with site.store.write() as unit:
        for number in range(60):
            site.enlist_in(unit, f"w{number:02}")
        me = people.by_email(unit, "ada@example.org")
        for number in range(60):
            people.write_act(unit, me, "suspend", "A0", f"reason {number}", NOW)

    def rows(path):
        page = ada.get(path).text
        following = re.search(r'href="([^"]+before[^"]+)"', page)
        return page.count("<tr>") - 1, following and following[1].replace("&amp;", "&")

    for path in ("/admin/accounts", "/admin/audit?about=A0"):
        count, following = rows(path)
        assert count == 50
        assert rows(following) == (11 if "accounts" in path else 10, None)


def test_failed_errands_show_their_message_and_a_way_to_retry(site, ada):
    errand = fail(site.store, 7)
    page = ada.get("/admin/errands").text
    path = f"/admin/errands/{site.broker.names('E').show(errand.id)}/retry"
    assert "no such label" in page
    assert path in page
    assert ada.post(path).status_code == 302
    assert path not in ada.get("/admin/errands").text
    assert ada.post(path).status_code == 409


def test_all_failed_errands_of_a_name_are_retried_at_once(site, ada):
    for subject in (7, 8):
        fail(site.store, subject)
    assert "Retry all 2 judge" in ada.get("/admin/errands").text
    assert ada.post("/admin/errands/retry", {"name": "judge"}, "/account").status_code == 302
    with site.store.read() as unit:
        assert errands.asked(unit, "judge") == {7, 8}
        assert errands.failures(unit) == []
        assert people.acts(unit)[0][0].name == "retry errands"
    ada.post("/admin/errands/retry", {"name": "judge"}, "/account")
    assert "No such errand has failed." in ada.get("/admin/errands").text


def test_a_running_errand_shows_how_far_it_is(site, ada):
    with site.store.write() as unit:
        errands.later(unit, "import", 7, NOW)
    with site.store.write() as unit:
        errand = errands.take(unit, "errands", NOW)
    with site.store.write() as unit:
        errands.beat(unit, errand, NOW, (30, 40))
    for path in ("/admin/errands", "/admin/errands/live"):
        page = ada.get(path).text
        assert "<b>75</b> of 100 percent done" in page
        assert site.broker.names("U").show(7) in page
    assert "<html" not in ada.get("/admin/errands/live").text


def test_a_queue_shows_what_waits_and_since_when(site, ada):
    with site.store.write() as unit:
        errands.later(unit, "judge", 7, NOW)
        errands.later(unit, "judge", 8, NOW + dt.timedelta(hours=1))
        lines = errands.lines(unit)
    assert (lines["errands"].waiting, lines["errands"].running, lines["errands"].oldest) == (2, 0, NOW)
    assert (lines["statistics"].waiting, lines["statistics"].oldest) == (0, None)
    assert NOW.isoformat() in ada.get("/admin/errands/live").text


def test_the_last_run_of_each_errand_is_shown(site, ada):
    for subject, moment in ((1, NOW), (2, NOW + dt.timedelta(minutes=1))):
        with site.store.write() as unit:
            errands.later(unit, "judge", subject, NOW)
        with site.store.write() as unit:
            errand = errands.take(unit, "errands", NOW)
        with site.store.write() as unit:
            errands.finish(unit, errand.id, ErrandState.DONE, "", moment)
    with site.store.read() as unit:
        assert [(one.name, one.subject) for one in errands.last_runs(unit)] == [("judge", 2)]
    assert "Last runs" in ada.get("/admin/errands").text


def test_the_page_stands_while_the_queue_server_is_down_and_says_so(ada):
    assert "The queue server is unreachable" in ada.get("/admin/errands").text


def test_a_clock_that_stands_still_is_seen(site, ada):
    assert "No clock runs" in ada.get("/admin/errands").text
    with site.store.write() as unit:
        schedule.look(unit, {"lapse": 5}, site.clock())
    page = ada.get("/admin/errands").text
    assert "Free leases that ran out" in page
    assert "No clock runs" not in page
    site.clock.move(minutes=2)
    assert "No clock runs" in ada.get("/admin/errands").text


def test_the_schedule_is_told_in_words(site, ada):
    with site.store.write() as unit:
        schedule.look(unit, {entry.name: entry.seconds for entry in SCHEDULE}, site.clock())
    table = ada.get("/admin/errands").text.partition('id="schedule"')[2].partition("</table>")[0]
    told = [words.strip() for words in re.findall(r'<th scope="row">([^<]*)', table)]
    assert len(told) == len(SCHEDULE)
    assert not {entry.name for entry in SCHEDULE} & set(told)


@pytest.mark.parametrize("path", ["workers/A0", "accounts/A0", "workers/' OR 1=1"])
def test_an_unknown_account_is_not_found(ada, path):
    assert ada.get(f"/admin/{path}").status_code == 404


def test_a_name_of_markup_stays_text_on_every_page(site, ada):
    with site.store.write() as unit:
        bob = site.enlist_in(unit, "bob")
        unit.session.get(Person, bob.id).name = "<img src=x onerror=alert(1)>"
    for path in ("workers", "accounts", f"workers/{bob.public_id}", f"accounts/{bob.public_id}"):
        assert "<img" not in ada.get(f"/admin/{path}").text
