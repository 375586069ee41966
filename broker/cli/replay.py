"""`broker replay`: real answers replayed one at a time through the very judgement that the server uses."""

import json
import math
import re
import statistics
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from broker.cli.recorded import Recorded, read
from broker.errors import Invalid, Problem
from broker.truth.replay import Score, by_rule, replay, score, some_gold
from broker.truth.stopping import Rule

PLANS = ("fixed:3", "fixed:5", "adaptive")
FIGURES = {
    "per_item": "answers per item",
    "share": "share of answers",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "log_loss": "log-loss",
    "undecided": "undecided",
}


FORM = re.compile(r"fixed:(\d{1,6})|adaptive(?::(\d{1,6}),(\d{1,6}),(0?\.\d+|1(?:\.0*)?))?")


class Within(click.FloatRange):
    """A number of a range; click takes NaN, which is below and above nothing, for one of any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails for what is none."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is not a number", param, ctx) if math.isnan(number) else number


def rule(plan: str) -> Rule:
    """The rule of `fixed:N` or `adaptive[:LEAST,MOST,SURE]`. Raises Invalid for any other text."""
    found = FORM.fullmatch(plan)
    if found is None:
        problem = Problem("is not fixed:N, adaptive or adaptive:LEAST,MOST,SURE", column="--plan")
        raise Invalid(f"plan {plan!r} {problem.message}", problems=[problem])
    fixed, least, most, sure = found.groups()
    made = Rule.fixed(int(fixed)) if fixed else Rule(int(least), int(most), float(sure)) if least else Rule()
    made.check()
    return made


def _mean(recorded: Recorded, plan: Rule, seeds: int, gold_share: float) -> dict[str, float]:
    results = [_one(recorded, plan, seed, gold_share) for seed in range(seeds)]
    return {name: round(statistics.fmean(getattr(one, name) for one in results), 4) for name in FIGURES}


def _one(recorded: Recorded, plan: Rule, seed: int, gold_share: float) -> Score:
    gold = some_gold(recorded.truth, gold_share, np.random.default_rng([seed, 1]))
    found = replay(recorded.answers, by_rule(plan), np.random.default_rng([seed, 2]), gold)
    return score(found, recorded.answers, recorded.truth, gold)


def _table(found: dict[str, Any]) -> Table:
    table = Table()
    for title in ("plan", *FIGURES.values()):
        table.add_column(title, justify="left" if title == "plan" else "right")
    for plan, figures in found.items():
        table.add_row(plan, *(f"{figures[name]:.3f}" for name in FIGURES))
    return table


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--plan", "plans", multiple=True, help="fixed:N or adaptive[:LEAST,MOST,SURE]; may be given several times."
)
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1, 1000), help="Random orders of answers.")
@click.option("--gold", default=0.0, show_default=True, type=Within(0, 0.5), help="Share of truths used as gold.")
@click.option("--json", "as_json", is_flag=True, help="Print only a line of JSON.")
def command(folder: Path, plans: tuple[str, ...], seeds: int, gold: float, *, as_json: bool) -> None:
    """Replay the answers of FOLDER (answers.csv: task, worker, label; truth.csv: task, truth) under plans.

    Prints each plan's mean answers per item, accuracy, calibration error and log-loss; the last line is JSON. Gold
    counts as cost, and not for accuracy.
    """
    rules = {plan: rule(plan) for plan in plans or PLANS}
    recorded = read(folder)
    found = {plan: _mean(recorded, one, seeds, gold) for plan, one in rules.items()}
    if not as_json:
        Console().print(_table(found))
    click.echo(json.dumps({"set": recorded.name, "seeds": seeds, "gold": gold, "plans": found}))
