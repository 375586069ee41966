"""The process of a function: events on its input, one a line, and for each a line with its result on its output."""

import json
import os
import sys
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any


class Context:
    """What Lambda hands to a function beside the event, as far as it makes sense here."""

    def __init__(self, name: str) -> None:
        self.function_name = name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self.memory_limit_in_mb = "128"
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = self.log_stream_name = "crowd-broker"


def load(entry: str) -> Callable[[Any, Any], Any]:
    """The function of an entry point package.module:function."""
    module, _, name = entry.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def serve(entry: str, events: IO[bytes], results: IO[bytes]) -> None:
    """Call the function for each event until there are no more."""
    name = entry.rpartition(":")[2]
    function: Callable[[Any, Any], Any] | None = None
    for line in events:
        try:
            function = function or load(entry)
            answer = {"result": function(json.loads(line), Context(name))}
            text = json.dumps(answer)
        # Whatever a function of somebody else's raises is its answer.
        except Exception as error:  # noqa: BLE001
            text = json.dumps({"error": f"{type(error).__name__}: {error}"[:1000]})
        results.write(text.encode() + b"\n")
        results.flush()


if __name__ == "__main__":
    # What the function prints must not end up between the results.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.argv[1], sys.stdin.buffer, answers)
