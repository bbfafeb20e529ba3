"""Who may import whom, held against every module; and planted violations, which must be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import Module, modules_below, room_of, sayings, violations

ROOT = Path(__file__).resolve().parents[1]
OURS = modules_below(ROOT)


def test_there_is_something_to_check() -> None:
    assert {"machines.step", "storage.apply", "diagrams.graph"} <= {module.name for module in OURS}


def test_nobody_imports_what_is_not_theirs_to_import() -> None:
    assert violations(OURS) == []


def test_only_one_room_knows_the_word() -> None:
    assert sayings(OURS) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("machines.step", "import sqlalchemy"),
        ("machines.step", "import asyncio"),
        ("machines.step", "from storage import schema"),
        ("machines.step", "from machines.testing import strategies"),
        ("storage.apply", "from orchestrator.engine import dispatch"),
        ("diagrams.graph", "import storage"),
        ("web.app", "from storage import schema"),
        ("web.app", "import storage.apply"),
        ("web.app", "from orchestrator.engine.commit import submit"),
        ("web.app", "from orchestrator import metrics"),
        ("orchestrator.engine.lanes", "from orchestrator.discord import send"),
        ("orchestrator.discord.send", "from orchestrator.twilio import limits"),
        ("orchestrator.discord.send", "from orchestrator.knowledge import article"),
        ("orchestrator.discord.send", "from ..twilio import limits"),
        ("orchestrator.twilio.desk", "from storage.apply import Store"),
        ("orchestrator.desk.builtin", "def late():\n    import orchestrator.chatbot.index"),
        ("orchestrator.sandbox.server", "from machines.events import Event"),
        ("orchestrator.sandbox.server", "from orchestrator import errors"),
        ("orchestrator.demo.story", "from orchestrator.engine import commit"),
        ("orchestrator.errors", "from orchestrator.discord import send"),
        ("orchestrator.engine.commit", "from orchestrator import app"),
        ("orchestrator.setup.doctor", "from orchestrator.app import wire"),
        ("orchestrator.app", "from orchestrator.cli import run"),
        ("orchestrator.cupboard.things", ""),
    ],
)
def test_a_planted_violation_is_found(name: str, source: str) -> None:
    assert violations([Module(name, source)]) != []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("machines.step", "from machines import case\nimport transitions, logging"),
        ("machines.testing.strategies", "import hypothesis\nfrom machines.table import Table"),
        ("storage.apply", "from machines.step import step\nimport sqlalchemy"),
        ("web.app", "from storage import reads, values\nfrom orchestrator import errors, settings"),
        (
            "orchestrator.engine.lanes",
            "from storage.apply import apply\nfrom orchestrator.clock import Clock",
        ),
        ("orchestrator.discord.send", "from . import limits\nfrom ..errors import Retry\nimport discord"),
        ("orchestrator.chatbot.index", "from orchestrator.knowledge.article import Article"),
        ("orchestrator.inprocess.discord", "from orchestrator.sandbox.discord.model import DiscordModel"),
        ("orchestrator.demo.story", "from orchestrator.sandbox import control"),
        ("orchestrator.cli.run", "from orchestrator.app import wire\nimport orchestrator.demo"),
        ("orchestrator.__main__", "from orchestrator import app, cli"),
    ],
)
def test_what_the_rules_allow_is_let_through(name: str, source: str) -> None:
    assert violations([Module(name, source)]) == []


def test_a_relative_import_of_a_package_starts_at_the_package() -> None:
    package = Module("orchestrator.discord", "from .send import Sender", is_package=True)
    assert violations([package]) == []
    assert violations([Module("orchestrator.discord", "from ..twilio import x", is_package=True)]) != []


def test_a_module_belongs_to_the_narrowest_room() -> None:
    assert room_of("orchestrator.discord.send") == "orchestrator.discord"
    assert room_of("machines.testing.model") == "machines.testing"
    assert room_of("orchestrator.cupboard") is None


@pytest.mark.parametrize(
    "source", ["x = 'the demo'", "def demo(): ...", "import demo", "a.is_demo = 1", "f(demo=1)"]
)
def test_the_word_is_found_in_names_and_strings(source: str) -> None:
    assert sayings([Module("orchestrator.engine.commit", source)]) != []


def test_the_word_is_free_where_it_belongs_and_in_docstrings() -> None:
    assert (
        sayings([Module("orchestrator.demo.story", "demo = 1"), Module("orchestrator.cli.run", "'demo'")])
        == []
    )
    assert sayings([Module("orchestrator.sandbox.log", '"""Read by the demo."""')]) == []
