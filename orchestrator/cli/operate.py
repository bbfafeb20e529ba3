"""Commands for whoever keeps the service running: dead letters. They work while it serves, and while it does not."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.errors import ConfigurationError, TryLater

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from machines.events import Event
    from storage.letters import Answered, Command, Letter, Request
    from storage.values import Receipt

#: Seconds that a command waits for the service to see to what it asks.
PATIENCE_S = 30.0
#: On PostgreSQL nothing shows whether somebody serves: after so long the command sees to it itself.
ALONE_S = 5.0
LOOK_S = 0.2

dead = typer.Typer(
    help="Dead letters: what could not be delivered, and events that failed.", no_args_is_help=True
)

Names = Annotated[list[str] | None, typer.Argument(help="Names, as `dead list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dead.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show every dead letter, oldest first."""
    from storage.letters import letters

    with _database() as (engine, _):
        _show(letters(engine), as_json=as_json)


@dead.command()
def retry(names: Names = None, every: All = False, as_json: AsJson = False) -> None:
    """Try dead letters again: each goes back into its lane, or is stepped once more."""
    from storage.letters import Command

    _ask(Command.RETRY, names or [], "", every=every, as_json=as_json)


@dead.command()
def drop(
    names: Names = None,
    every: All = False,
    reason: Annotated[str, typer.Option(help="Why; it stands with the letter afterwards.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give dead letters up for good."""
    from storage.letters import Command

    _ask(Command.DROP, names or [], reason, every=every, as_json=as_json)


# --- asking


def _ask(command: Command, names: list[str], reason: str, *, every: bool, as_json: bool) -> None:
    """Exit 1 if anything was refused."""
    from storage.letters import Answer, ask, letters

    if bool(names) == every:
        raise typer.BadParameter("give names, or --all")
    with _database() as (engine, alone):
        wanted = [letter.name for letter in letters(engine)] if every else list(dict.fromkeys(names))
        requests = ask(engine, command, wanted, reason, time.time())
        if alone:
            _see_to(engine)
        answered = _wait(engine, requests)
    if as_json:
        told = [
            {"name": r.letter, "answer": str(answered[r.id].answer), "detail": answered[r.id].detail}
            for r in requests
        ]
        typer.echo(json.dumps(told))
    else:
        for request in requests:
            typer.echo(f"{request.letter}\t{answered[request.id].answer}: {answered[request.id].detail}")
    if any(found.answer is Answer.REFUSED for found in answered.values()):
        raise typer.Exit(1)


def _wait(engine: Engine, requests: Sequence[Request]) -> dict[str, Answered]:
    from storage.letters import answers

    begun = time.monotonic()
    own_turn = engine.dialect.name == "postgresql"
    while len(found := answers(engine, requests)) < len(requests):
        passed = time.monotonic() - begun
        if own_turn and passed > ALONE_S:
            own_turn = False
            _see_to(engine)
        elif passed > PATIENCE_S:
            raise TryLater(
                "the service does not answer", "it will see to it once it can; look at `dead list`"
            )
        else:
            time.sleep(LOOK_S)
    return found


def _see_to(engine: Engine) -> None:
    """In place of the service, which takes up what is pending at its next start, or within seconds."""
    from orchestrator import settings
    from orchestrator.clock import SystemClock
    from orchestrator.engine.letters import Operator
    from storage.apply import Store
    from storage.letters import request_of, waiting

    known = settings.load()
    store = Store(engine, limits=known.limits, hours=known.hours)

    class Here:
        async def requests(self) -> list[Request]:
            with engine.connect() as connection:
                return [request_of(row) for row in connection.execute(waiting())]

    async def run(write: Callable[[], Any]) -> Any:
        return write()

    async def submit(events: Sequence[Event]) -> list[Receipt]:
        return store.apply(list(events), time.time()).receipts

    asyncio.run(Operator(Here(), engine, run, submit, SystemClock(), lambda _: None).see_to_all())


@contextmanager
def _database() -> Iterator[tuple[Engine, bool]]:
    """An engine, and whether nobody else can be serving. A SQLite file stays locked meanwhile, if it was not."""
    from sqlalchemy.exc import DatabaseError

    from orchestrator import settings
    from orchestrator.engine.database import opened
    from storage.engines import database_file, writer

    url = settings.load().database
    path = database_file(url)
    if path is not None and not path.exists():
        raise ConfigurationError(
            f"{path} does not exist", "set DATA_DIR or DATABASE_URL to the service's own"
        )
    alone = path is not None
    with ExitStack() as held:
        try:
            held.enter_context(opened(url))
        except TryLater:
            alone = False
        engine = writer(url)
        held.callback(engine.dispose)
        try:
            yield engine, alone
        except DatabaseError as error:
            raise TryLater(
                f"the database cannot be used now ({type(error.orig).__name__})",
                "if the service runs, it must be of this version",
            ) from error


# --- showing


def _show(letters: Sequence[Letter], *, as_json: bool) -> None:
    """A table on a terminal, else a line each with tabs between."""
    if as_json:
        typer.echo(json.dumps([{**asdict(letter), "at": _when(letter)} for letter in letters]))
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table("name", "what", "since", "tries", "why")
        for letter in letters:
            table.add_row(letter.name, letter.what, _when(letter), str(letter.attempts), letter.reason)
        Console(markup=False).print(table if letters else "no dead letters")
    else:
        for letter in letters:
            why = " ".join(letter.reason.split())
            typer.echo(f"{letter.name}\t{letter.what}\t{_when(letter)}\t{letter.attempts}\t{why}")


def _when(letter: Letter) -> str:
    return datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="seconds")
