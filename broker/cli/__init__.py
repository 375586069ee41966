"""The command line: `broker COMMAND`, each command a module of this folder that is imported only when it runs."""

from importlib import import_module
from keyword import iskeyword

import click

from broker.errors import BrokerError, Invalid

# name: what --help says; its module in `broker.cli` has a click command called `command`.
COMMANDS = {
    "serve": "Run the whole installation: web server, queue, background workers and clock.",
    "worker": "Run one more background worker, on this machine or another.",
    "simulate": "SIMULATION: let a made-up crowd work on a job of a running broker.",
    "demo": "Label 1,797 real handwritten digits with a simulated crowd, then keep serving.",
    "replay": "Replay recorded answers under fixed and adaptive plans, and compare them with the truth.",
    "plan": "What plans would find and cost, before money is spent.",
    "agreement": "How far the answers in a file agree: kappa, alpha and percent, with intervals.",
    "aggregate": "Find labels with their confidence in a CSV or Parquet file of answers.",
    "import": "Bring a job from Ground Truth or from MTurk's web page; read decisions about answers.",
    "export": "Write a job's results as Ground Truth or MTurk's web page gave them.",
    "mturk-proxy": "Let MTurk clients with a hard-coded endpoint talk to this broker.",
    "user": "Add, list, suspend and restore accounts; give roles and credit. Makes the first admin.",
}


def module(command: str) -> str:
    """The name of a command's module in this folder."""
    return command.replace("-", "_") + ("_" if iskeyword(command) else "")


class Refused(click.ClickException):
    """The input breaks a stated rule."""

    exit_code = 2


class Commands(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """All names, in the order they are written down."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"{__name__}.{module(cmd_name)}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; the expected failures become one line and exit code 1, or 2 for input that breaks a rule."""
        try:
            return super().invoke(ctx)
        except BrokerError as error:
            lines = [error.message, *(f"  {problem}" for problem in error.problems)]
            failure = Refused if isinstance(error, Invalid) else click.ClickException
            raise failure("\n".join(lines)) from error


@click.command(cls=Commands)
@click.version_option(package_name="crowd-broker")
def main() -> None:
    """A crowdsourcing task broker. Settings come from BROKER_* variables and a .env file."""
