"""What holds for the whole project: sizes, where kinds are told apart, what the web imports, what the wheel holds."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from broker.cli import COMMANDS, module
from broker.settings import Settings

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for folder in ("broker", "workers") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted(path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
HEAVY = ("numpy", "scipy", "pandas", "sklearn", "crowdkit", "pyarrow", "torch", "nltk", "playwright")


def named(path):
    return str(path.relative_to(ROOT))


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_is_too_long():
    scripts = (ROOT / "broker" / "static" / "js").rglob("*.js")
    lengths = {named(path): len(path.read_text().splitlines()) for path in [*MODULES, *TESTS, *scripts]}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long():
    long = [(named(path), *one) for path in MODULES for one in functions(path) if one[1] > LONGEST_FUNCTION]
    assert long == []


def test_every_module_says_what_it_is():
    silent = [
        named(path)
        for path in MODULES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_kinds_are_told_apart_in_the_registry_only():
    branch = re.compile(r"\bkind\s*(==|!=|in\s*[(\[{])|\bmatch\s+\S*kind\b|case\s+[\"']choice")
    templates = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "kinds"]
    found = [named(path) for path in [*MODULES, *templates] if branch.search(path.read_text())]
    assert found == []


def test_no_two_attributes_of_a_template_run_together():
    """The newline after a block is trimmed, and what indents the next one: nothing is left between them."""
    joined = re.compile(r"^\s*(?:[\w-]+=\S.*|\{%-? if [^%]*%\}[\w-]+.*)%\}\n\s*\{%-? if [^%]*%\}[\w-]+", re.MULTILINE)
    found = [named(path) for path in (ROOT / "templates").rglob("*.html") if joined.search(path.read_text())]
    assert found == []


def test_queries_are_written_in_the_store_only():
    query = re.compile(r"\bsa\.(select|insert|update|delete|text)\(|\bsession\.(execute|scalars?|query)\(")
    elsewhere = [path for path in MODULES if ROOT / "broker" / "store" not in path.parents]
    assert [named(path) for path in elsewhere if query.search(path.read_text())] == []


def test_the_web_process_imports_nothing_heavy(tmp_path):
    script = "import json, sys; from broker.app import create_app; create_app(); print(json.dumps(list(sys.modules)))"
    environment = {**os.environ, "BROKER_DATA": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert set(json.loads(done.stdout)) & set(HEAVY) == set()


def test_the_wheel_holds_pages_and_migrations_and_no_tests(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {"broker/templates/base.html", "broker/alembic/env.py", "workers/run.py", "broker/static/css/base.css"}
    wanted |= {f"broker/{named(path)}" for path in (ROOT / "alembic" / "versions").glob("*.py")}
    wanted |= {f"broker/{named(path)}" for path in (ROOT / "templates").rglob("*") if path.is_file()}
    assert wanted - held == set()
    assert [name for name in held if name.startswith("tests") or "alembic/__init__" in name] == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is(name):
    assert Settings.model_fields[name].description


def test_help_lists_every_command_and_every_command_is_listed():
    done = subprocess.run(
        [sys.executable, "-m", "broker.cli", "--help"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    commands = {path.stem for path in (ROOT / "broker" / "cli").glob("*.py") if "\n@click.command" in path.read_text()}
    commands -= {"__init__", "__main__"}
    assert {module(name) for name in COMMANDS} >= commands
    for name in COMMANDS:
        assert re.search(rf"^\s+{name}\s", done.stdout, re.MULTILINE)
        assert import_module(f"broker.cli.{module(name)}").command.help
