"""Who may import whom: the rooms of the house, the rules between them, and what breaks them.

Reads source only; nothing is imported, so a rule holds for imports inside functions and for types alike.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("machines", "storage", "diagrams", "web", "orchestrator")

#: Every room of the service may use these.
SHARED = tuple(
    f"orchestrator.{name}"
    for name in (
        "errors",
        "clock",
        "counters",
        "ports",
        "readable",
        "reading",
        "logs",
        "metrics",
        "settings",
        "texts",
    )
)
READS = ("storage.reads", "storage.values")
ADAPTERS = tuple(
    f"orchestrator.{name}"
    for name in ("discord", "twilio", "desk", "cases", "chatbot", "knowledge", "webhooks")
)

#: Room -> what else of ours it may import. Every room may import itself.
RULES: dict[str, tuple[str, ...]] = {
    "machines": (),
    "machines.testing": ("machines",),
    "storage": ("machines",),
    "diagrams": ("machines",),
    "web": ("machines", *READS, *(room for room in SHARED if room != "orchestrator.metrics")),
    **dict.fromkeys(SHARED, ("machines", "storage.reads.rows", "storage.values", *SHARED)),
    "orchestrator.settings": ("machines", "orchestrator.webhooks.sign", *SHARED),
    "orchestrator": (),
    "orchestrator.engine": ("machines", "storage", *SHARED),
    "orchestrator.discord": ("machines", *READS, *SHARED),
    "orchestrator.twilio": ("machines", *READS, *SHARED),
    "orchestrator.desk": ("machines", *READS, *SHARED),
    "orchestrator.cases": ("machines", *READS, *SHARED),
    "orchestrator.webhooks": ("machines", "orchestrator.webhooks.sign", *READS, *SHARED),
    "orchestrator.webhooks.sign": (),
    "orchestrator.chatbot": ("machines", *READS, "orchestrator.knowledge", *SHARED),
    "orchestrator.knowledge": SHARED,
    "orchestrator.inprocess": ("machines", "orchestrator.sandbox", *SHARED),
    "orchestrator.setup": ("machines", "storage", *ADAPTERS, *SHARED),
    "orchestrator.sandbox": (),
    "orchestrator.demo": ("orchestrator.sandbox", *SHARED),
    "orchestrator.health": SHARED,
    "orchestrator.sides": ("machines", *READS, "orchestrator.health", *ADAPTERS, *SHARED),
    "orchestrator.app": (
        "machines",
        "storage",
        "web",
        "orchestrator.engine",
        "orchestrator.health",
        "orchestrator.sides",
        *ADAPTERS,
        *SHARED,
    ),
    "orchestrator.cli": PACKAGES,
    "orchestrator.__main__": PACKAGES,
}

#: Every name that a rule speaks of, on either side.
RULED = frozenset(RULES).union(*RULES.values())

#: Libraries of the rooms that may not choose freely. The standard library is free but for `BANNED`.
LIBRARIES = {"machines": {"transitions"}, "machines.testing": {"transitions", "hypothesis"}}
BANNED = {"machines": {"asyncio", "sqlite3", "socket", "subprocess", "threading", "urllib", "http"}}

#: The one who may say the word: the room itself, the command that starts it, and the sandbox's guild of that name.
WORD = "demo"
MAY_SAY = ("orchestrator.demo", "orchestrator.cli", "orchestrator.__main__")
MAY_SAY_ONCE = {("orchestrator.sandbox.discord.world", "Demo")}


@dataclass(frozen=True)
class Module:
    name: str  #: dotted
    source: str
    is_package: bool = False  #: its file is `__init__.py`


def modules_below(root: Path) -> list[Module]:
    """Every module of ours that exists. Packages that do not exist yet have none."""
    return [
        Module(_dotted(path.relative_to(root)), path.read_text(), path.name == "__init__.py")
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    ]


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def room_of(name: str) -> str | None:
    """The narrowest room that a module lies in; None for a file or folder of the service that has no rule."""
    rooms = [room for room in RULES if _within(name, room)]
    room = max(rooms, key=len, default=None)
    return None if room == "orchestrator" and name != "orchestrator" else room


def imports_of(module: Module, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported; `from a import b` names `a.b` where that is a module."""
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                child = f"{base}.{alias.name}"
                yield node.lineno, child if child in known or child in RULED else base


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    here = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*here, *([node.module] if node.module else [])])


def violations(modules: list[Module]) -> list[str]:
    """One line per import that no rule allows, and per module that lies in no room."""
    known = frozenset(module.name for module in modules)
    found = []
    for module in modules:
        room = room_of(module.name)
        if room is None:
            found.append(f"{module.name}: lies in no room; give it a rule")
            continue
        for line, imported in imports_of(module, known):
            if not _allowed(room, imported):
                found.append(f"{module.name}:{line} imports {imported}")
    return list(dict.fromkeys(found))


def _allowed(room: str, imported: str) -> bool:
    top = imported.split(".", maxsplit=1)[0]
    if top not in PACKAGES:
        if top in sys.stdlib_module_names:
            return top not in BANNED.get(room, ())
        return room not in LIBRARIES or top in LIBRARIES[room]
    target = room_of(imported)
    if _within(imported, room) and target == room:
        return True
    if imported == "orchestrator.app":
        return room in ("orchestrator.cli", "orchestrator.__main__")
    if target == "machines.testing":
        return False
    return any(_within(imported, other) for other in RULES[room])


def sayings(modules: list[Module]) -> list[str]:
    """Where a room that should not know it says the word, in a name or a string. Docstrings are free."""
    found = []
    for module in modules:
        if any(_within(module.name, room) for room in MAY_SAY):
            continue
        for line, text in _words(ast.parse(module.source)):
            if WORD in text.lower() and (module.name, text) not in MAY_SAY_ONCE:
                found.append(f"{module.name}:{line} says {text!r}")
    return found


def _words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield line, node.value
        for name in ("id", "attr", "arg", "name", "asname", "module"):
            text = getattr(node, name, None)
            if isinstance(text, str):
                yield line, text
