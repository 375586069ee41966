"""The demo's job as a requester makes it: every step of the wizard, over HTTP."""

import re
import time

import click

from broker.cli.client import Visitor
from broker.cli.digits import Digits

PATIENCE_SECONDS, LOOK_SECONDS = 120, 0.2
REDUNDANCY, GOLD_PERCENT = 3, 5
GUIDE = """\
You see one handwritten digit. Choose which one it is.

- A **1** may have a foot, a flag or neither.
- A **4** may be open or closed at the top; a **9** is closed and its stroke goes down from the loop.
- A **7** may have a bar through its stem.

If you cannot tell, choose what you find most likely.
"""
DEFINITIONS = {
    "1": "One stroke, with or without a foot.",
    "4": "Open or closed at the top, with straight strokes.",
    "7": "With or without a bar.",
    "9": "A closed loop with a stroke going down.",
}
UPLOADED, RUNNING = "kept", ("waiting", "reading")


def publish(requester: Visitor, digits: Digits) -> str:
    """Make the job and open it to workers; its public id."""
    requester.get("/jobs/new")
    made = requester.post("/jobs/new", {"title": "Handwritten digits"})
    found = re.search(r"/jobs/([A-Z0-9]+)/data", made.url)
    if found is None:
        raise click.ClickException(f"no draft was made: {made.url}")
    steps = f"/jobs/{found.group(1)}"
    with digits.pictures.open("rb") as file:
        requester.post(f"{steps}/data", {}, files={"file": (digits.pictures.name, file)})
    _wait_for_import(requester, steps)
    requester.post(f"{steps}/task", _task())
    with digits.gold.open("rb") as file:
        known = {"gold": "file", "gold_key": "name", "gold_label": "label"}
        plan = {"redundancy": REDUNDANCY, "gold_percent": GOLD_PERCENT, **known}
        requester.post(f"{steps}/quality", plan, files={"gold_file": (digits.gold.name, file)})
    requester.post(f"{steps}/pay", {"reward": "0.01", "lease_minutes": "10"})
    requester.post(f"{steps}/check", {})
    return found.group(1)


def _task() -> dict[str, object]:
    names = [str(digit) for digit in range(10)]
    return {
        "title": "Handwritten digits",
        "description": "Say which digit somebody wrote. One glance each.",
        "guide": GUIDE,
        "offer": "image-one",
        "question": "Which digit is this?",
        "label_name": names,
        "label_definition": [DEFINITIONS.get(name, "") for name in names],
        "label_examples": [""] * len(names),
    }


def _wait_for_import(requester: Visitor, steps: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        told = requester.look(f"{steps}/data/progress")
        if told["state"] == UPLOADED:
            return
        if told["state"] not in RUNNING:
            raise click.ClickException(f"the upload is {told['state']}: {told['message']}")
        time.sleep(LOOK_SECONDS)
    raise click.ClickException(f"the import took longer than {PATIENCE_SECONDS} seconds")
