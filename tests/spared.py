"""What each test would do over again to the same end: templates compiled, builders of addresses that nobody asks for,
passwords hashed at full cost, small databases brought to a disk.
"""

import io
import os
import shutil
import tempfile
from pathlib import Path

from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

from broker.services import enroll

MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 8 * 2**30


class Compiled(BytecodeCache):
    """Templates as one application compiled them, for all applications of this process."""

    def __init__(self):
        self.codes = {}

    def load_bytecode(self, bucket):
        if bucket.key in self.codes:
            bucket.load_bytecode(io.BytesIO(self.codes[bucket.key]))

    def dump_bytecode(self, bucket):
        self.codes[bucket.key] = bucket.bytecode_to_string()


def late(compile_builder):
    """Builders that are compiled when an address is first asked for: an application has two for each of its rules."""

    def prepare(rule, append_unknown):
        made = []

        def build(bound, **values):
            if not made:
                made.append(compile_builder(rule, append_unknown))
            return made[0](bound, **values)

        return build

    return prepare


def in_memory():
    """Temporary files where a file costs no disk, if nobody said where and there is plenty of it."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def spare():
    """From now on in this process; what is served by processes of its own runs as everybody's does."""
    in_memory()
    Flask.jinja_options = {"bytecode_cache": Compiled()}
    Rule._compile_builder = late(Rule._compile_builder)
    enroll._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
