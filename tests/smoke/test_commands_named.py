"""Commands that documents and reports tell a user to type are there."""

import re
from pathlib import Path

import pytest

from lcjax.cli.main import COMMANDS
from lcjax.systems import systems

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"(?:^|&& |`)lcjax ([a-z][a-z-]*)", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(systems()))
def test_next_steps_are_commands(name):
    text = systems()[name].next_steps("MODEL")
    assert NAMED.findall(text) and set(NAMED.findall(text)) <= set(COMMANDS)


@pytest.mark.parametrize("folder", ["docs", "lcjax", "data_pipelines"])
def test_documents_and_code_name_commands_that_are_there(folder):
    files = [*(ROOT / folder).rglob("*.md"), *(ROOT / folder).rglob("*.py"), ROOT / "README.md"]
    named = {(word, path.name) for path in files for word in NAMED.findall(path.read_text())}
    assert len(named) > 3
    assert {(word, where) for word, where in named if word not in COMMANDS} == set()
