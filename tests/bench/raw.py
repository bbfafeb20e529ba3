"""The floor of the store: one event with bare sqlite3, four statements, every commit on disk."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from tests.bench.talks import BODY, NOW
from tests.bench.timing import elapsed

_TABLES = """
CREATE TABLE event (source TEXT, id TEXT, subject TEXT, version INTEGER, data TEXT, at REAL,
                    PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TABLE conversation (id TEXT PRIMARY KEY, state TEXT, version INTEGER, context TEXT);
CREATE TABLE effect (seq INTEGER PRIMARY KEY, key TEXT UNIQUE, lane TEXT, payload TEXT, status TEXT);
"""
_CONTEXT = '{"request":1,"request_state":"open","request_joined":true,"agents":[["ada","ada"]],"seen":3}'


class RawUnits:
    """Bare sqlite3 with the store's own settings of durability, and names as random as the store's."""

    def __init__(self, file: Path, conversations: int) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_TABLES)
        self._random = random.Random(1)
        self._ids = [self._random.randbytes(16).hex() for _ in range(conversations)]
        self._connection.executemany(
            "INSERT INTO conversation VALUES (?, 'with_agent', 0, ?)", [(i, _CONTEXT) for i in self._ids]
        )

    def rate(self, events: int, batch: int) -> float:
        """Event units per second, `batch` of them per commit."""
        return events / elapsed(lambda: self._run(events, batch))

    def _run(self, events: int, batch: int) -> None:
        execute = self._connection.execute
        for first in range(0, events, batch):
            execute("BEGIN IMMEDIATE")
            for _ in range(min(batch, events - first)):
                self._unit()
            execute("COMMIT")

    def _unit(self) -> None:
        execute, conversation = self._connection.execute, self._random.choice(self._ids)
        name = self._random.randbytes(16).hex()
        subject = f"conversation:{conversation}"
        row = execute("SELECT state, version, context FROM conversation WHERE id = ?", (conversation,))
        state, version, context = row.fetchone()
        execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
            ("twilio", f"IM{name}", subject, version, BODY, NOW),
        )
        execute(
            "UPDATE conversation SET state = ?, version = ?, context = ? WHERE id = ?",
            (state, version + 1, context, conversation),
        )
        execute(
            "INSERT INTO effect (key, lane, payload, status) VALUES (?, ?, ?, 'pending')",
            (f"{subject}:{version + 1}:0:{name}", f"dm:{conversation}", BODY),
        )

    def close(self) -> None:
        self._connection.close()
