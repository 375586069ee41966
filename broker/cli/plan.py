"""`broker plan`: what plans would find and cost, before money is spent."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from broker.cli.answers_file import read_answers
from broker.cli.replay import Within, rule
from broker.truth.plan import Crowd, Forecast, forecast, of_pilot

MOST_ITEMS, MOST_REWARD = 1_000_000_000_000, 1_000_000.0


def _table(found: tuple[Forecast, ...], items: int, reward: float) -> Table:
    table = Table("plan", "answers per item", "expected accuracy", "undecided", "cost")
    for one in found:
        cost = f"{one.cost(items, reward):,.2f}"
        table.add_row(one.name, f"{one.per_item:.2f}", f"{one.accuracy:.1%}", f"{one.undecided:.1%}", cost)
    return table


@click.command()
@click.option("--classes", default=2, show_default=True, help="How many labels there are to choose from.")
@click.option("--accuracy", default=0.8, show_default=True, help="How often one worker is right, on average.")
@click.option(
    "--items", default=1000, show_default=True, type=click.IntRange(1, MOST_ITEMS), help="How many items there are."
)
@click.option("--reward", default=0.02, show_default=True, type=Within(0, MOST_REWARD), help="What one answer is paid.")
@click.option("--adaptive", default="adaptive:1,7,0.87", show_default=True, help="The adaptive plan to compare.")
@click.option(
    "--pilot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own first answers: a CSV of task, worker, label; instead of --classes and --accuracy.",
)
@click.option("--json", "as_json", is_flag=True, help="Print only a line of JSON.")
def command(
    classes: int, accuracy: float, items: int, reward: float, adaptive: str, pilot: Path | None, *, as_json: bool
) -> None:
    """Expected accuracy and cost of 1, 3, 5 and 7 answers an item and of an adaptive plan, by simulation."""
    crowd = Crowd(classes, accuracy) if pilot is None else of_pilot(read_answers(pilot))
    found = forecast(crowd, rule(adaptive))
    if not as_json:
        Console().print(_table(found, items, reward))
    plans = {
        one.name: {
            "per_item": round(one.per_item, 3),
            "accuracy": round(one.accuracy, 4),
            "undecided": round(one.undecided, 4),
            "cost": round(one.cost(items, reward), 2),
        }
        for one in found
    }
    click.echo(json.dumps({"classes": crowd.n_classes, "accuracy": round(crowd.accuracy, 4), "plans": plans}))
