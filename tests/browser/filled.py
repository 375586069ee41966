"""One installation filled by code with believable work, served from a thread: for looking at every page of it."""

import dataclasses
import datetime as dt
import io
import itertools
import random
import threading
import zipfile
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

from broker.app import create_app
from broker.cli import digits, digits_job
from broker.services import appeal, block, claim, enroll, keys, layouts, oversee, review, submit
from broker.services.appeal import Ruling
from broker.services.layouts import Draft
from broker.store import errands, exports, reviews, schedule
from broker.store.errands import ErrandState
from broker.store.jobs import Job
from broker.truth.crowd import AVERAGE, CAREFUL, SLOPPY, Confused, RandomClicker
from broker.web.gate import token_hash
from broker.wiring import utc_now
from tests.browser import filled_qualifications
from tests.browser.filled_texts import FAULTY, TONE_GUIDE, TONES, archive, messages, table, tone_of
from tests.doors.requester import Visitor, broker_on
from workers import errands as background
from workers.schedule import SCHEDULE

CROWD = [
    ("Walt Harper", CAREFUL, 3.1),
    ("Ines Okafor", CAREFUL, 3.6),
    ("Marek Dvořák", AVERAGE, 2.9),
    ("Yuki Tanaka", CAREFUL, 4.2),
    ("Samuel Adeyemi", AVERAGE, 3.8),
    ("Lena Fischer", Confused("confused", 0.93, ("4", "9"), 0.8), 5.1),
    ("Priya Raman", AVERAGE, 3.3),
    ("Jonas Lindqvist", SLOPPY, 2.2),
    ("Rashid Karimi", RandomClicker("random"), 0.8),
]


class Filled:
    """The installation: its broker, its people and its jobs' public ids."""

    def __init__(self, database, folder, *, pictures=60, turns=30):
        self.now, self.dice = utc_now(), random.Random(7)
        made = broker_on(database, folder, throttle=False, signup="open")
        self.broker = dataclasses.replace(made, now=lambda: self.now)
        self.folder, self.pictures, self.jobs = folder, pictures, {}
        self.requester = self._enter("Nora Whitfield", "requester")
        self.admin = self._enter("Ada Brandt", "admin")
        self.newcomer = self._enter("Nia Mensah", "worker", "requester", credit=0)
        self.crowd = [self._enter(name, "worker") for name, _, _ in CROWD]
        self.worker = self.crowd[0]
        self._publish()
        self._work(turns)
        self._draft()
        self._review()
        self._oversee()
        self.qualified = filled_qualifications.fill(self)
        self.broker = made

    def _enter(self, name, *roles, credit=250_000_000):
        visitor = Visitor.__new__(Visitor)
        visitor.broker, visitor.name = self.broker, name
        visitor.client = create_app(self.broker).test_client()
        address, token = f"{name.split()[0].lower()}@example.org", f"token of {name}"
        self.now -= dt.timedelta(days=40)
        with self.broker.store.write() as unit:
            account = enroll.Account(address, name, "correct horse battery", roles)
            visitor.person = enroll.sign_up(unit, account, self.now, credit=credit if "requester" in roles else 0)
        self.now += dt.timedelta(days=40)
        with self.broker.store.write() as unit:
            enroll.log_in(
                unit, visitor.person, token_hash(token), "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", self.now
            )
        with visitor.client.session_transaction() as session:
            session["token"] = token
        visitor.csrf = visitor.get("/account").text.split('name="csrf-token" content="')[1].split('"')[0]
        return visitor

    def _publish(self):
        found = digits.write(self.folder / "digits")
        chosen = dict(itertools.islice(found.labels.items(), self.pictures))
        with zipfile.ZipFile(found.pictures) as every:
            pictures = archive({name: every.read(name) for name in chosen})
        known = dict(itertools.islice(chosen.items(), self.pictures // 4))
        task = {
            **digits_job._task(),
            "label_definition": ["" for _ in range(10)],
        }
        self._job(
            "digits", "digits.zip", pictures, task, "0.01", gold={"gold": "file", "gold_percent": "10"}, known=known
        )
        tone = {
            "title": "Tone of support messages",
            "description": "Say how the writer of each message feels. Most are one or two sentences long.",
            "guide": TONE_GUIDE,
            "offer": "text-one",
            "field": "text",
            "question": "How does the writer feel?",
            "label_name": list(TONES),
            "label_definition": [meaning for meaning, _ in TONES.values()],
            "label_examples": [example for _, example in TONES.values()],
        }
        self._job(
            "tone",
            "messages.csv",
            messages(),
            tone,
            "0.02",
            gold={"gold": "column", "gold_column": "tone", "gold_percent": "10"},
        )
        topics = {
            **tone,
            "title": "Topics of support messages",
            "description": "Mark everything that the message is about.",
            "offer": "text-many",
            "question": "What is this message about?",
            "label_name": ["delivery", "quality", "payment", "praise"],
            "label_definition": ["Parcels, times, packaging.", "What the product is like.", "Invoices and money.", ""],
            "label_examples": [""] * 4,
        }
        self._job("topics", "messages.csv", messages(), topics, "0.03", gold={"gold": "none", "gold_percent": "0"})

        mood = {**tone, "title": "Mood of support messages", "description": "One glance each."}
        gold = {"gold": "column", "gold_column": "tone", "gold_percent": "10"}
        self._job("wizard", "messages.csv", messages(), mood, "0.02", gold, publish=False)

    def _job(self, name, file, content, task, reward, gold, *, known=None, publish=True):  # noqa: PLR0913 - a job has these parts
        ann = self.requester
        path = ann.job(task["title"])
        ann.upload(path, file, content)
        self._sent(ann.post(f"{path}/task", **task))
        extra = (
            {"gold_file": (io.BytesIO(table(known)), "known.csv"), "gold_key": "name", "gold_label": "label"}
            if known
            else {}
        )
        self._sent(ann.post(f"{path}/quality", redundancy="3", **gold, **extra))
        self._sent(ann.post(f"{path}/pay", reward=reward, lease_minutes="10"))
        if publish:
            self._sent(ann.post(f"{path}/check"))
        self.jobs[name] = path.removeprefix("/jobs/")

    def _sent(self, answer):
        assert answer.status_code == 303, answer.text

    def _work(self, turns):
        """The jobs are worked on over some days: the tone of messages to its end, the digits in good part."""
        today = self.now
        with zipfile.ZipFile(self.folder / "digits" / "digits.zip"):
            truth = dict(
                line.split(",") for line in (self.folder / "digits" / "truth.csv").read_text().splitlines()[1:]
            )
        plans = [
            ("tone", 10**6, dt.timedelta(days=6), lambda seen: tone_of(seen["text"]), list(TONES)),
            ("digits", turns * 5, dt.timedelta(hours=9), lambda seen: truth[seen["name"]], list("0123456789")),
        ]
        for name, most, before, right, labels in plans:
            self.now = today - before
            self._walk(self.broker.names("J").read(self.jobs[name]), most, before, right, labels)
        self.now = today

    def _walk(self, job_id, most, before, right, labels):
        idle, given, pause = 0, 0, before / (most if most < 10**6 else 170)
        for place in itertools.cycle(range(len(CROWD))):
            if idle > len(CROWD) or given >= most:
                break
            worker, (_, answerer, median) = self.crowd[place].person, CROWD[place]
            for _ in range(self.dice.randrange(1, 6)):
                self.now += pause * self.dice.uniform(0.1, 1.8)
                with self.broker.store.write() as unit:
                    offer = claim.claim(unit, job_id, worker.id, [], self.now, self.broker.secret)
                    idle = 0 if offer else idle + 1
                    if offer is None:
                        break
                    label = answerer.answer(right(offer.payload), labels, self.dice)
                    seconds = median * self.dice.lognormvariate(0, 0.3)
                    submit.submit(
                        unit, offer.assignment_id, worker.id, {"category": {"label": label}}, seconds, self.now
                    )
                    given += 1
            if given % 4 == 0:
                self._settle(job_id, "judge", "settle")
        self._settle(job_id, "judge")

    def _settle(self, job_id, *names):
        with self.broker.store.write() as unit:
            for name in names:
                errands.later(unit, name, job_id, self.now)
        for queue in ("errands", "statistics", "errands") if "settle" not in names else ("errands",):
            background.drain_with(self.broker, queue)

    def _draft(self):
        ann = self.requester
        path = ann.job("Topics of product reviews")
        ann.upload(path, "reviews.csv", FAULTY.encode())
        self.jobs["draft"] = path.removeprefix("/jobs/")
        self.upload = ann.get(f"{path}/data").text.split("/uploads/")[1].split("/")[0]

    def _review(self):
        """A job whose requester looks at answers first: two are rejected and appealed against, one has a bonus."""
        ann, names, worker = self.requester, self.broker.names, self.crowd[0].person
        job = names("J").read(self.jobs["topics"])
        with self.broker.store.write() as unit:
            unit.session.get(Job, job).approval_seconds = 3 * 24 * 3600
        turns = [self._topic(job, self.crowd[place % 3].person) for place in range(6)]
        self._settle(job, "judge")
        first, rejected = turns[0], turns[3]
        self.answers = [names("T").show(one) for one in turns]
        path = f"/jobs/{self.jobs['topics']}/answers"
        words = "The message is about a parcel, and says nothing of money."
        self._sent(ann.post(f"{path}/{self.answers[0]}/reject", reason="instructions", feedback=words))
        self._sent(ann.post(f"{path}/{self.answers[1]}/approve", praise="Carefully done."))
        self._sent(ann.post(f"{path}/{self.answers[1]}/bonus", amount="0.10", why="Your report about row 7 helped."))
        with self.broker.store.write() as unit:
            text = "It asks for the invoice twice. Please look at the second sentence."
            appeal.lodge(unit, first, worker.id, text, self.now)
            decided = Ruling(self.admin.person, False, "The guide says: only what is named.", self.now)
            review.reject(unit, rejected, ann.person.id, words, self.now, reason="instructions")
            appeal.lodge(unit, rejected, worker.id, "I was nearly right.", self.now)
        with self.broker.store.write() as unit:
            made = reviews.appeal_of(unit, rejected)
            appeal.decide(unit, made.id, decided)
            subject, text = (
                "A new batch on Monday",
                "We have 4,000 more messages of this sort.\nThank you for your care so far.",
            )
            block.notify(unit, ann.person.id, [worker], subject, text, self.now)
            block.block(
                unit, self.newcomer.person.id, worker.id, "Two answers a second cannot have been read.", self.now
            )
            page = Draft("Tone of a message", "<form><p>${text}</p><input name='tone' aria-label='Tone'></form>", 0)
            layout = layouts.keep(unit, ann.person.id, page, self.now)
            self.layout = f"/layouts/{self.broker.names('L').show(layout)}"
            keys.make(unit, ann.person, "psiTurk on the lab's server", self.now, self.broker.secret)

    def _topic(self, job, worker):
        self.now += dt.timedelta(seconds=20)
        with self.broker.store.write() as unit:
            offer = claim.claim(unit, job, worker.id, [], self.now, self.broker.secret)
            labels = {"category": {"labels": ["delivery", "payment"]}}
            submit.submit(unit, offer.assignment_id, worker.id, labels, 6.5, self.now)
        return offer.assignment_id

    def _oversee(self):
        ada, clicker = self.admin.person, self.crowd[-1].person
        with self.broker.store.write() as unit:
            oversee.suspend(unit, oversee.Act(ada.id, clicker.public_id, "Answers at random", self.now))
            errands.later(unit, "conclude", 10**6, self.now, queue="elsewhere")
        with self.broker.store.write() as unit:
            errand = errands.take(unit, "elsewhere", self.now)
        with self.broker.store.write() as unit:
            errands.finish(unit, errand.id, ErrandState.FAILED, "job 1000000 does not exist", self.now)
        self._export()
        self._keep_time()

    def _export(self):
        """A file of results that is ready, and one that is being written."""
        job = f"/jobs/{self.jobs['tone']}"
        self.requester.post(f"{job}/exports", format="csv")
        background.drain_with(self.broker, "statistics")
        self.requester.post(f"{job}/exports", format="jsonl")
        with self.broker.store.write() as unit:
            errand = errands.take(unit, "statistics", self.now)
            exports.begin(unit, errand.subject, "exports/being/written", 800_000)
            exports.note(unit, errand.subject, "exports/being/written", 305_000)
        with self.broker.store.write() as unit:
            errands.beat(unit, errand, self.now, exports.progress(unit, errand.subject))
        self.requester.get(f"{job}/results")  # says once that the files are being prepared

    def _keep_time(self):
        """The clock's schedule, one entry of which has failed."""
        with self.broker.store.write() as unit:
            schedule.look(unit, {entry.name: entry.seconds for entry in SCHEDULE}, self.now)
            schedule.ran(unit, "lapse", self.now - dt.timedelta(minutes=4), 0.006)
            schedule.ran(unit, "judge", self.now - dt.timedelta(seconds=2), 0.003)
            schedule.ran(unit, "prune", self.now - dt.timedelta(minutes=40), 0.18, "OSError('the disk is full')")

    def pages(self):
        """Every page by endpoint: who looks at it, and where; the first address is the one in a picture."""
        job, task = (
            {name: f"/jobs/{one}" for name, one in self.jobs.items()},
            {name: f"/work/{one}" for name, one in self.jobs.items()},
        )
        worker = self.crowd[3].person.public_id
        return {
            **self.qualified,
            "session.landing": (None, ["/"]),
            "session.login": (None, ["/login"]),
            "session.signup": (None, ["/signup"]),
            "account.show": (self.worker, ["/account"]),
            "worker.home": (self.worker, ["/work"]),
            "worker.hit": (self.worker, [task["digits"], task["topics"], task["tone"]]),
            "worker.preview": (self.worker, [f"{task['tone']}/preview", f"{task['digits']}/preview"]),
            "worker.history": (self.worker, ["/work/history"]),
            "worker.earnings": (self.worker, ["/work/earnings"]),
            "inbox.inbox": (self.worker, ["/work/inbox"]),
            "inbox.decided": (self.worker, [f"/work/answers/{self.answers[place]}" for place in (0, 3)]),
            "keys.show": (self.requester, ["/account/keys"]),
            "layouts.listing": (self.requester, ["/layouts"]),
            "layouts.new": (self.requester, ["/layouts/new"]),
            "layouts.edit": (self.requester, [self.layout]),
            "review.listing": (self.requester, [f"{job['topics']}/answers", f"{job['topics']}/answers?state=rejected"]),
            "review.one": (self.requester, [f"{job['topics']}/answers/{self.answers[place]}" for place in (0, 1, 2)]),
            "requester.listing": (self.requester, ["/jobs"]),
            "requester.new": (self.requester, ["/jobs/new"]),
            "batches.new": (self.requester, ["/jobs/new/batch"]),
            "batches.results": (self.requester, [f"{job['topics']}/batch"]),
            "requester.overview": (self.requester, [job["digits"], job["tone"], job["topics"]]),
            "requester.preview": (self.requester, [f"{job['digits']}/preview"]),
            "results.table": (self.requester, [f"{job['tone']}/results", f"{job['digits']}/results?sort=least"]),
            "guides.page": (self.requester, [f"{job['tone']}/guide", f"{job['wizard']}/guide"]),
            "wizard.data": (self.requester, [f"{job['draft']}/data", f"{job['wizard']}/data"]),
            "wizard.task": (self.requester, [f"{job['wizard']}/task"]),
            "wizard.quality": (self.requester, [f"{job['wizard']}/quality"]),
            "wizard.pay": (self.requester, [f"{job['wizard']}/pay"]),
            "wizard.check": (self.requester, [f"{job['wizard']}/check"]),
            "uploads.faults": (self.requester, [f"{job['draft']}/uploads/{self.upload}/faults"]),
            "admin.workers": (self.admin, ["/admin/workers"]),
            "admin.worker": (self.admin, [f"/admin/workers/{worker}"]),
            "admin.accounts": (self.admin, ["/admin/accounts", "/admin/accounts?q=nobody"]),
            "admin.account": (self.admin, [f"/admin/accounts/{self.requester.person.public_id}"]),
            "appeals.listing": (self.admin, ["/admin/appeals"]),
            "admin.audit": (self.admin, ["/admin/audit"]),
            "admin.errand_list": (self.admin, ["/admin/errands"]),
        }

    def cookie(self, visitor):
        """The cookie of the browser in which this person is logged in."""
        return {"name": "broker", "value": visitor.client.get_cookie("broker").value, "url": self.url}

    @contextmanager
    def served(self):
        """Serve it from a thread."""
        server = make_server("127.0.0.1", 0, create_app(self.broker), threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.url = f"http://127.0.0.1:{server.port}"
        yield self
        server.shutdown()
        thread.join()
        server.server_close()
        self.broker.store.close()


class Silent(WSGIRequestHandler):
    """A request handler that keeps no log."""

    def log(self, *_):
        """Say nothing."""
