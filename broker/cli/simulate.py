"""`broker simulate`: a simulated crowd works on a job of a running broker, over HTTP as people's browsers do."""

import random
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from broker.cli import truths
from broker.cli.client import Visitor
from broker.cli.truths import Truths
from broker.truth.crowd import Answerer, RandomClicker, assemble

SPREAD_SECONDS = 0.4
HASTY_SECONDS, USUAL_SECONDS = 0.5, 3.0
TRIES, PAUSE_SECONDS = 3, 0.5


@dataclass
class Simulated:
    """One simulated worker: how they answer, their account, and how much they did."""

    answerer: Answerer
    email: str
    name: str
    answers: int = 0
    earned: int = 0


@dataclass
class Crowd:
    """Simulated workers of one run against one job."""

    url: str
    job: str
    known: Truths
    workers: Sequence[Simulated]
    password: str
    seed: int
    tell: Callable[[], None] = lambda: None
    pictures: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> int:
        """Let everybody work side by side until nothing is left for them; how many answers they gave."""
        with ThreadPoolExecutor(len(self.workers)) as pool:
            done = [pool.submit(self._career, number, worker) for number, worker in enumerate(self.workers)]
            try:
                return sum(one.result() for one in done)
            finally:
                self.stop.set()

    def _career(self, number: int, worker: Simulated) -> int:
        dice = random.Random(f"{self.seed}/{number}")  # noqa: S311 - a simulation, not a secret
        visitor = Visitor(self.url)
        visitor.sign_up(worker.email, worker.name, self.password, "worker")
        visitor.log_in(worker.email, self.password)
        for _ in range(TRIES):
            turn = visitor.ask(f"/work/{self.job}/claim", {"have": []})["assignment"]
            while turn is not None and not self.stop.is_set():
                turn = self._answer(visitor, worker, turn, dice)
            # Somebody else's lease may still come back.
            if self.stop.wait(PAUSE_SECONDS):
                break
        return worker.answers

    def _answer(
        self, visitor: Visitor, worker: Simulated, turn: dict[str, Any], dice: random.Random
    ) -> dict[str, Any] | None:
        given = _category(worker.answerer, turn["input"], self._truth(visitor, turn["input"]), dice)
        usual = HASTY_SECONDS if isinstance(worker.answerer, RandomClicker) else USUAL_SECONDS
        body = {"assignment": turn["id"], "answer": given, "seconds": usual * dice.lognormvariate(0, SPREAD_SECONDS)}
        found: dict[str, Any] | None = visitor.ask(f"/work/{self.job}/submit", {**body, "have": []})["assignment"]
        worker.answers += 1
        worker.earned += turn["reward"]
        self.tell()
        return found

    def _truth(self, visitor: Visitor, shown: dict[str, Any]) -> str:
        value = shown["value"]
        if shown["media"] == "text":
            return self.known.of_text(value)
        if value not in self.pictures:
            self.pictures[value] = self.known.of_picture(visitor.get(value).content)
        return self.pictures[value]


def _category(answerer: Answerer, shown: dict[str, Any], truth: str, dice: random.Random) -> dict[str, Any]:
    labels = [label["name"] for label in shown["labels"]]
    if shown["many"]:
        chosen = answerer.answer_many([one.strip() for one in truth.split("|") if one.strip()], labels, dice)
        return {"category": {"labels": list(chosen)}}
    return {"category": {"label": answerer.answer(truth, labels, dice)}}


def enlist(size: int, confused: tuple[str, str] | None = None) -> list[Simulated]:
    """So many simulated workers, whose names and addresses say what they are; a run's addresses are its own."""
    run = secrets.token_hex(3)
    return [
        Simulated(answerer, f"simulated-{run}-{number:02}@example.invalid", f"Simulated {number:02} ({answerer.name})")
        for number, answerer in enumerate(assemble(size, confused), 1)
    ]


def bar(console: Console) -> Progress:
    """The progress bar of a simulation."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@click.command()
@click.argument("url")
@click.argument("job")
@click.option(
    "--truth", "truth", type=click.Path(exists=True, path_type=Path), required=True, help="CSV with the truth."
)
@click.option("--key", default="name", show_default=True, help="Its column with the text, or the picture's name.")
@click.option("--label", default="label", show_default=True, help="Its column with the true label; several: a|b.")
@click.option("--pictures", type=click.Path(exists=True, path_type=Path), help="ZIP of the pictures that --key names.")
@click.option("--workers", default=40, show_default=True, type=click.IntRange(1, 500), help="Size of the crowd.")
@click.option("--confuse", nargs=2, default=None, help="Two labels that one worker takes for each other.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same crowd.")
def command(url: str, job: str, workers: int, confuse: tuple[str, str] | None, seed: int, **source: Any) -> None:
    """SIMULATION: made-up workers with known errors sign up, log in, claim and submit at URL until JOB has no HIT left.

    JOB is the job's public id. The broker must let workers sign up, and not throttle them (BROKER_THROTTLE=false).
    """
    console = Console()
    console.print(f"SIMULATION: {workers} made-up workers on job {job} at {url}")
    known = truths.read(source["truth"], source["key"], source["label"], source["pictures"])
    with bar(console) as progress:
        task = progress.add_task("simulated answers", total=None)
        crowd = Crowd(url, job, known, enlist(workers, confuse), secrets.token_urlsafe(12), seed)
        crowd.tell = lambda: progress.advance(task)
        answers = crowd.work()
    console.print(f"SIMULATION ended: {answers} simulated answers")
