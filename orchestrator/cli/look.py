"""Commands that look and change nothing. They read beside the service, and need none."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.errors import ConfigurationError, Unreachable
from storage.reads.figures import DEFAULT_DAYS, DEFLECTED, LEFT_OUT, MOST_DAYS, NOT_DEFLECTED

if TYPE_CHECKING:
    from orchestrator.settings import Settings
    from storage.reads.figures import Durations, Statistics

#: How the names of docs/statistics.md read in a table.
_WORDS = {
    "closed_by_member": "closed by the member",
    "nobody_there": "wanted a person, nobody was there",
    "reopened": "came back for a person",
    "unanswered": "without an answer",
    "agent_first": "an agent wrote first",
    "asked": "the member asked",
    "bot_decided": "the bot decided",
    "bot_unsure": "the bot was unsure again",
    "not_helpful": "answers did not help",
    "bot_failed": "the bot failed again",
}
_NOTHING = "-"

#: A heading alone, or a name with its value.
_Line = tuple[str, str]


def stats(
    days: Annotated[
        int, typer.Option(min=1, max=MOST_DAYS, help="Days that are counted; today is the last.")
    ] = DEFAULT_DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Waits, responses, hand-offs and ratings of the last days; docs/statistics.md says what each means."""
    from orchestrator import settings

    found = asyncio.run(_read(settings.load(), days))
    typer.echo(json.dumps(found.as_json()) if as_json else table(found))


async def _read(known: Settings, days: int) -> Statistics:
    from sqlalchemy.exc import DatabaseError, OperationalError

    from storage.engines import database_file, reader
    from storage.reads.statistics import StatisticsReader

    path = database_file(known.database)
    if path is not None and not path.exists():
        raise ConfigurationError(
            f"{path} does not exist", "set DATA_DIR or DATABASE_URL to the service's own"
        )
    try:
        engine = reader(known.database)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"DATABASE_URL needs {error.name}, which is not installed", "install the extra `postgres`"
        ) from error
    try:
        return await StatisticsReader(engine, known.zone).statistics(datetime.now(UTC), days)
    except DatabaseError as error:
        what = type(error.orig).__name__
        if path is None and isinstance(error, OperationalError):
            raise Unreachable(f"the database does not answer ({what})") from error
        raise ConfigurationError(
            f"the database cannot be read ({what})",
            "is it the service's own, and of this version? `orchestrator db upgrade` makes it so",
        ) from error
    finally:
        await engine.dispose()


# --- showing


def table(found: Statistics) -> str:
    """A heading per group, a line per figure, values under each other."""
    period = found.period
    since = f"{period.since:%Y-%m-%d %H:%M} UTC"
    lines: list[_Line] = [
        (f"{period.days} days by the clock of {period.zone}, since {since}", ""),
        ("now", ""),
        ("waiting for an agent", str(found.now.waiting)),
        ("longest wait", duration(found.now.longest_wait)),
        ("with an agent", str(found.now.with_agent)),
        ("with the bot", str(found.now.with_bot)),
        *_durations("first response", found.first_response),
        *_durations("resolution of cases", found.resolution),
        ("withdrawn besides", str(found.withdrawn)),
        ("ended conversations", ""),
        ("dealt with by the bot alone", _share(found)),
        *((f"- {_word(how)}", str(found.ended[how])) for how in DEFLECTED),
        *((_word(how), str(found.ended[how])) for how in NOT_DEFLECTED),
        *((f"not counted: {_word(how)}", str(found.ended[how])) for how in LEFT_OUT),
        ("hand-offs", ""),
        *((_word(reason), str(times)) for reason, times in found.handoffs.items()),
        ("ratings", ""),
        *((f"{stars} of 5", str(times)) for stars, times in found.ratings.stars.items()),
        ("mean", _NOTHING if found.ratings.mean is None else f"{found.ratings.mean:.2f}"),
        ("comments", str(found.ratings.comments)),
    ]
    wide = max(len(name) for name, value in lines if value)
    right = max(len(value) for _, value in lines)
    shown = [f"  {name:<{wide}}  {value:>{right}}" if value else f"\n{name}" for name, value in lines]
    return "\n".join(shown).removeprefix("\n")


def duration(seconds: float | None) -> str:
    """In the two largest units, cut and not rounded."""
    if seconds is None:
        return _NOTHING
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02} h"


def _durations(name: str, took: Durations) -> list[_Line]:
    return [
        (name, ""),
        ("measured", str(took.count)),
        ("median", duration(took.median)),
        ("nine of ten within", duration(took.p90)),
    ]


def _share(found: Statistics) -> str:
    if found.deflection is None:
        return _NOTHING
    return f"{found.deflected} of {found.answerable}, {100 * found.deflection:.0f} %"


def _word(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))
