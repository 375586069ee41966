"""`broker demo`: the whole broker on real data: started, given a job, worked by a simulated crowd, looked at."""

import fcntl
import json
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from broker.cli import digits, digits_job, truths
from broker.cli.children import Children
from broker.cli.client import Visitor
from broker.cli.digits import Digits
from broker.cli.serve import Installation, configured
from broker.cli.simulate import Crowd, Simulated, bar, enlist
from broker.rules import ledger
from broker.services import enroll
from broker.services.enroll import Account
from broker.settings import Settings
from broker.store import beliefs, jobs, money, people
from broker.store.beliefs import Trust
from broker.store.jobs import JobState
from broker.wiring import Broker, build

CROWD, SEED = 40, 7
CREDIT = 100 * ledger.UNIT
ROLES = ("worker", "requester", "admin")
CONFUSED = ("4", "9")
PATIENCE_SECONDS, LOOK_SECONDS = 120, 0.2
MODELS = ("majority", "dawid-skene")


@dataclass(frozen=True)
class Outcome:
    """What came of the job: accuracies are over the HITs that are not gold."""

    hits: int
    answers: int
    golds: int
    accuracy: dict[str, float]
    spent: int
    seconds: float
    labels: Path

    def line(self) -> str:
        """The last line, for programs."""
        named = {f"accuracy_{model.replace('-', '_')}": round(self.accuracy[model], 4) for model in MODELS}
        told = {"hits": self.hits, "answers": self.answers, **named, "seconds": round(self.seconds, 1)}
        return json.dumps(told, separators=(",", ":"))


@dataclass
class Demo:
    """One run of the demo."""

    console: Console
    installation: Installation
    broker: Broker
    password: str
    started: float

    @property
    def url(self) -> str:
        """Where the broker answers."""
        return self.installation.url

    def run(self, made: Digits) -> Outcome:
        """Publish the job, have it worked, and judge the result against the known truth."""
        self._people()
        requester = Visitor(self.url)
        requester.log_in(_address("requester"), self.password)
        job = digits_job.publish(requester, made)
        self.console.print(f"Published [bold]{len(made.labels):,} digits[/] through the requester's pages: job {job}")
        crowd = self._work(job, made)
        number = self.broker.names("J").read(job)
        self._wait(number)
        outcome = self._outcome(requester, job, made, sum(one.answers for one in crowd))
        self._show(number, outcome, crowd)
        return outcome

    def _people(self) -> None:
        accounts = [Account(_address(role), f"Demo {role}", self.password, [role]) for role in ROLES]
        for account in accounts:
            _ = account.password_hash  # slow on purpose, so outside of the transaction
        with self.broker.store.write() as unit:
            for account in accounts:
                enroll.sign_up(unit, account, self.broker.now(), credit=CREDIT)

    def _work(self, job: str, made: Digits) -> Sequence[Simulated]:
        known = truths.read(made.truth, "name", "label", made.pictures)
        crowd = Crowd(self.url, job, known, enlist(CROWD, CONFUSED), secrets.token_urlsafe(12), SEED)
        expected = (len(made.labels) - digits.GOLDS) * digits_job.REDUNDANCY
        with bar(self.console) as progress:
            task = progress.add_task(f"SIMULATION: {CROWD} made-up workers", total=expected)
            crowd.tell = lambda: progress.advance(task)
            answers = crowd.work()
            progress.update(task, total=answers, completed=answers)
        return crowd.workers

    def _wait(self, job_id: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with self.broker.store.read() as unit:
                job = jobs.job(unit, job_id)
                latest = beliefs.latest(unit, job_id)
                held = money.balance(unit, ledger.escrow(job_id))
            if job.state == JobState.DONE and latest is not None and latest.final and not held:
                return
            time.sleep(LOOK_SECONDS)
        raise click.ClickException(f"the job is {job.state} with {job.done} of {job.hits} HITs done")

    def _outcome(self, requester: Visitor, job: str, made: Digits, answers: int) -> Outcome:
        number = self.broker.names("J").read(job)
        with self.broker.store.read() as unit:
            row = jobs.job(unit, number)
            versions = {model: beliefs.latest(unit, number, model) for model in MODELS}
            mine, escrow = ledger.person(row.requester_id), ledger.escrow(number)
            spent = money.moved(unit, mine, escrow) - money.moved(unit, escrow, mine)
        found = {model: _labels(requester, job, one.version) for model, one in versions.items() if one is not None}
        file = self.broker.settings.data / "labels.csv"
        file.write_bytes(requester.get(f"/jobs/{job}/results.csv").content)
        return Outcome(
            hits=len(made.labels),
            answers=answers,
            golds=row.golds,
            accuracy={model: _accuracy(lines, made.labels) for model, lines in found.items()},
            spent=spent,
            seconds=time.monotonic() - self.started,
            labels=file,
        )

    def _show(self, job_id: int, outcome: Outcome, crowd: Sequence[Simulated]) -> None:
        table = Table(title="What came of it", show_header=False, title_justify="left")
        for name, value in (
            ("accuracy of majority vote", f"{outcome.accuracy['majority']:.2%}"),
            ("accuracy of Dawid-Skene", f"{outcome.accuracy['dawid-skene']:.2%}"),
            ("answers", f"{outcome.answers:,} ({outcome.answers / outcome.hits:.2f} a HIT, gold included)"),
            ("money spent", f"{outcome.spent / ledger.UNIT:,.2f} {self.broker.settings.currency}"),
            ("seconds, all in all", f"{outcome.seconds:.1f}"),
            ("labels written to", str(outcome.labels)),
        ):
            table.add_row(name, value)
        self.console.print(table)
        self.console.print(self._ranking(job_id, crowd))

    def _ranking(self, job_id: int, crowd: Sequence[Simulated]) -> Table:
        with self.broker.store.read() as unit:
            trusted = list(reversed(beliefs.trusted(unit, job_id)))
            names = {one.worker_id: people.person(unit, one.worker_id) for one in trusted}
        table = Table(title="Trust, from gold and consensus (95 % interval)", title_justify="left")
        for column in ("worker", "trust", "interval", "gold", "answers"):
            table.add_column(column, justify="left" if column == "worker" else "right")
        for one in trusted:
            person = names[one.worker_id]
            table.add_row(person.name if person else "", *_figures(one))
        table.caption = f"{len(crowd)} simulated workers; their names tell how they answer, which the broker cannot see"
        return table

    def logins(self) -> Table:
        """The addresses and the password of the three demo accounts."""
        table = Table(title=f"Log in at {self.url}", title_justify="left")
        for column in ("role", "e-mail address", "password"):
            table.add_column(column)
        for role in ROLES:
            table.add_row(role, _address(role), self.password)
        return table


def _address(role: str) -> str:
    return f"{role}@demo.example"


def _figures(one: Trust) -> tuple[str, str, str, str]:
    gold = f"{one.gold_right:.0f}/{one.gold_seen}"
    return f"{one.mean:.2f}", f"{one.low:.2f} – {one.high:.2f}", gold, str(one.answers)


def _labels(requester: Visitor, job: str, version: int) -> dict[str, str]:
    """The consensus by picture name as the requester downloads it, without the gold."""
    text = requester.get(f"/jobs/{job}/results.jsonl?version={version}").content.decode()
    lines = [json.loads(line) for line in text.splitlines()]
    return {line["name"]: line["consensus"] for line in lines if line["gold"] is None}


def _accuracy(found: dict[str, str], truth: dict[str, str]) -> float:
    return sum(label == truth[name] for name, label in found.items()) / len(found)


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """A fresh folder for this demo; only one demo at a time has it."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with (settings.data / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise click.ClickException(f"another demo runs in {settings.data}; set BROKER_DATA") from None
        folder = settings.data / "demo"
        shutil.rmtree(folder, ignore_errors=True)
        yield folder


def _installation(settings: Settings) -> Installation:
    """The demo's installation, on the configured port or, if that is taken, on a free one."""
    try:
        return Installation(settings)
    except click.ClickException:
        return Installation(settings.model_copy(update={"port": 0}))


def _serve(children: Children) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1):
        children.check()


@click.command()
@click.option("--exit", "leave", is_flag=True, help="Stop when the job is done, instead of serving until Ctrl-C.")
@click.option(
    "--items", default=digits.ALL, type=click.IntRange(digits.FEWEST, digits.ALL), help="Only so many digits."
)
def command(items: int, *, leave: bool) -> None:
    """Label 1,797 real handwritten digits with a simulated crowd of 40, show what came of it, then keep serving.

    It has a data folder of its own, made afresh; database, queue and uploads in it are the embedded ones.
    """
    started, console = time.monotonic(), Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(configured()))
        own = {"data": folder, "database_url": "", "redis_url": "", "files_url": "", "signup": "workers"}
        installation = _installation(configured().model_copy(update={**own, "throttle": False}))
        console.print("Starting the broker and drawing the digits …")
        children = stack.enter_context(installation.running(log=folder / "log"))
        made = digits.write(folder / "digits", items)
        broker = build(installation.settings)
        stack.callback(broker.store.close)
        demo = Demo(console, installation, broker, secrets.token_urlsafe(9), started)
        outcome = demo.run(made)
        console.print(demo.logins())
        if not leave:
            console.print("Serving until Ctrl-C.")
            _serve(children)
    click.echo(outcome.line())
