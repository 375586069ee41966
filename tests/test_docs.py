"""What the documents say is so."""

import re
from pathlib import Path

import pytest

from broker.cli import COMMANDS
from broker.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SERVICES = sorted(path.stem for path in (ROOT / "broker" / "services").glob("[a-z]*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_in_its_own_words(name):
    row = f"| `BROKER_{name.upper()}` |"
    line = next(line for line in (ROOT / "docs" / "settings.md").read_text().splitlines() if line.startswith(row))
    assert Settings.model_fields[name].description in line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_named_in_the_documents(command):
    assert any(f"broker {command}" in page.read_text() or f"make {command}" in page.read_text() for page in PAGES)


@pytest.mark.parametrize("service", SERVICES)
def test_every_use_case_stands_in_the_architecture(service):
    assert f"`{service}`" in (ROOT / "docs" / "architecture.md").read_text()


def test_every_target_of_the_makefile_that_the_documents_name_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word for page in PAGES for word in re.findall(r"^make ([a-z]+)|`make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert {one or other for one, other in named} <= targets
