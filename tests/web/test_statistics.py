"""`/stats` and `/metrics`: who is let in, what is refused, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from storage.reads.figures import (
    DEFLECTED,
    LEFT_OUT,
    NOT_DEFLECTED,
    REASONS,
    STARS,
    Backlog,
    Durations,
    Now,
    Period,
    Ratings,
    Statistics,
)
from tests.web.prometheus import parse
from tests.web.serving import Answer, Recorder, Web, running

TOKEN = "token-of-the-metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ("/stats", "/metrics")
FACTS = {
    "database": True,
    "gateway": True,
    "read_up": True,
    "discord": True,
    "twilio": False,
    "discord_away_s": 0.0,
    "twilio_away_s": 3.5,
    "oldest_effect_s": 7.0,
    "degraded": True,
    "dead_letters": 1,
}


def found(period: Period) -> Statistics:
    """One more of each thing than of the one before."""
    hows = (*DEFLECTED, *NOT_DEFLECTED, *LEFT_OUT)
    return Statistics(
        period,
        Now(3, 65.25, 2, 1),
        Durations(4, 30.5, 90.0),
        Durations(),
        5,
        {reason: n for n, reason in enumerate(REASONS)},
        {how: n for n, how in enumerate(hows)},
        Ratings({stars: stars - 1 for stars in STARS}, 6),
    )


class Figures:
    """Counts nothing: says what it was told to, and remembers for how many days it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.trouble: Exception | None = None

    async def statistics(self, now: datetime, days: int) -> Statistics:
        self.asked.append(days)
        if self.trouble:
            raise self.trouble
        return found(Period.ending(now, days, UTC))

    async def backlog(self, now: datetime) -> Backlog:
        return Backlog(effects=9, lanes=2, oldest=7.5, parked=4, dead_letters=1)


@asynccontextmanager
async def serving(figures: Figures | None, token: str = TOKEN) -> AsyncIterator[Web]:
    store = Recorder(ready=(True, FACTS), health={"busy_lanes": 8})
    async with running(store=store, figures=figures, metrics_token=token) as site:
        yield site


async def get(site: Web, path: str, headers: Mapping[str, str] = BEARER) -> Answer:
    return await site.request("GET", path, headers=headers)


async def text(site: Web, method: str = "GET") -> tuple[Mapping[str, str], str]:
    async with site.session.request(method, f"{site.url}/metrics", headers=BEARER) as response:
        assert response.status == 200
        return response.headers, await response.text()


# --- who is let in


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
async def test_without_a_token_of_ours_there_is_nothing(path: str, method: str) -> None:
    async with serving(Figures(), token="") as site:
        shut = await site.request(method, path, headers={"Authorization": "Bearer "})
        nowhere = await site.request(method, "/nowhere")
    assert shut.status == nowhere.status == 404
    assert shut.body == nowhere.body


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}],
)
@pytest.mark.parametrize("path", PATHS)
async def test_without_the_token_nothing_is_counted(path: str, headers: Mapping[str, str]) -> None:
    figures = Figures()
    async with serving(figures) as site:
        answer = await get(site, path, headers)
    assert (answer.status, answer.body["error"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert figures.asked == []


@pytest.mark.parametrize("path", PATHS)
async def test_the_desks_token_opens_nothing_here(path: str) -> None:
    async with running(figures=Figures(), metrics_token=TOKEN, desk_token="another") as site:
        assert (await get(site, path, {"Authorization": "Bearer another"})).status == 401


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_looked_at_and_nothing_else(path: str) -> None:
    async with serving(Figures()) as site:
        answer = await site.request("POST", path, headers=BEARER)
        head = await site.request("HEAD", path, headers=BEARER)
    assert (answer.status, answer.body["error"], answer.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "GET,HEAD",
    )
    assert (head.status, head.body) == (200, None)
    assert int(head.headers["Content-Length"]) > 0


# --- what is asked


async def test_the_period_is_a_week_unless_another_is_named() -> None:
    figures = Figures()
    async with serving(figures) as site:
        answers = [
            await get(site, path) for path in ("/stats", "/stats?days=1", "/stats?days=366", "/metrics")
        ]
    assert [answer.status for answer in answers] == [200] * 4
    assert figures.asked == [7, 1, 366, 7]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/stats?days=0", "days: must be a whole number from 1 to 366"),
        ("/stats?days=367", "days: must be a whole number from 1 to 366"),
        ("/stats?days=-1", "days: must be a whole number from 1 to 366"),
        ("/stats?days=x", "days: must be a whole number from 1 to 366"),
        ("/stats?days=", "days: must be a whole number from 1 to 366"),
        ("/stats?days=1.5", "days: must be a whole number from 1 to 366"),
        ("/stats?days=%D9%A7", "days: must be a whole number from 1 to 366"),
        ("/stats?days=7&days=8", "days: must be a whole number from 1 to 366"),
        ("/stats?day=7", "unknown query parameter: known is days"),
        ("/stats?days=7&zone=canary", "unknown query parameter: known is days"),
        ("/metrics?days=7", "unknown query parameter: none is known here"),
    ],
)
async def test_what_cannot_be_meant_is_one_clear_error(path: str, detail: str) -> None:
    figures = Figures()
    async with serving(figures) as site:
        answer = await get(site, path)
    assert (answer.status, answer.body) == (400, {"error": "bad_field", "detail": detail})
    assert figures.asked == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_database_that_cannot_be_read_is_503_and_tells_nothing_of_itself(path: str) -> None:
    figures = Figures()
    figures.trouble = OperationalError("SELECT canary", {}, Exception("canary"))
    async with serving(figures) as site:
        answer = await get(site, path)
    assert (answer.status, answer.body) == (
        503,
        {"error": "unavailable", "detail": "the database cannot be read"},
    )
    assert answer.headers["Retry-After"] == "2"


# --- what stands there


async def test_stats_are_the_figures_in_json() -> None:
    async with serving(Figures()) as site:
        answer = await get(site, "/stats?days=2")
    period = Period.ending(datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC), 2, UTC)
    assert answer.body == found(period).as_json()
    assert answer.body["period"] == {
        "days": 2,
        "since": "2026-11-21T00:00:00+00:00",
        "until": "2026-11-22T10:00:01+00:00",
        "time_zone": "UTC",
    }
    assert answer.body["now"] == {"waiting": 3, "longest_wait_s": 65.25, "with_agent": 2, "with_bot": 1}
    assert answer.body["resolution"] == {"count": 0, "median_s": None, "p90_s": None, "withdrawn": 5}
    assert (answer.body["bot"]["ended"], answer.body["bot"]["deflection"]) == (21, 0.143)
    assert answer.body["ratings"]["mean"] == 4.0


async def test_metrics_are_in_the_format_that_prometheus_reads() -> None:
    async with serving(Figures()) as site:
        headers, body = await text(site)
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = parse(body)
    assert all(name.startswith("orchestrator_") for name in families)
    assert {family.kind for family in families.values()} == {"gauge"}

    def value(name: str, **labels: str) -> float:
        return families[f"orchestrator_{name}"].samples[frozenset(labels.items())]

    assert (value("ready"), value("gateway"), value("degraded"), value("lanes_busy")) == (1, 1, 1, 8)
    assert (
        value("provider_answers", provider="discord"),
        value("provider_answers", provider="twilio"),
    ) == (1, 0)
    assert (value("effects_pending"), value("lanes_waiting"), value("oldest_effect_seconds")) == (9, 2, 7.5)
    assert (value("events_parked"), value("dead_letters")) == (4, 1)
    assert value("conversations_open", state="awaiting_agent") == 3
    assert value("longest_wait_seconds") == 65.25
    assert value("first_response_seconds", quantile="0.9") == 90
    assert value("first_responses") == 4
    assert families["orchestrator_resolution_seconds"].samples == {}
    assert value("handoffs", reason="bot_failed") == 5
    assert value("conversations_ended", how="blocked") == 8
    assert value("ratings", stars="5") == 4
    assert value("rating_mean") == 4.0


async def test_metrics_are_told_while_the_service_is_not_ready() -> None:
    store = Recorder(ready=(False, {"detail": "no answer within 2 s"}))
    async with running(store=store, figures=Figures(), metrics_token=TOKEN) as site:
        _, body = await text(site)
    families = parse(body)
    assert families["orchestrator_ready"].samples == {frozenset(): 0}
    assert families["orchestrator_gateway"].samples == {}


@pytest.mark.parametrize("path", PATHS)
async def test_figures_are_as_careful_as_every_other_answer(path: str) -> None:
    async with serving(Figures()) as site:
        headers = (await get(site, path)).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers


def test_the_token_shows_in_no_repr() -> None:
    from tests.web.serving import services

    given: Any = services(Recorder(), metrics_token="canary")
    assert "canary" not in repr(given)


# --- the page that says what each figure means


def cells(page: str) -> str:
    """The first two columns of the page's tables: names, no explanations."""
    rows = (line.split("|") for line in page.splitlines() if line.startswith("| `"))
    return " ".join(" ".join(row[1:3]) for row in rows)


def test_the_page_names_every_figure_in_json() -> None:
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
    told = found(Period.ending(datetime(2026, 11, 22, tzinfo=UTC), 7, UTC)).as_json()
    del told["period"]
    lists = {"bot": (*DEFLECTED, *NOT_DEFLECTED, *LEFT_OUT), "handoffs": REASONS, "ratings": map(str, STARS)}
    for section, figures in told.items():
        listed = set(lists.get(section, ()))
        for name in figures.keys() - listed:
            named = f"`{section}.{name}`" in page or f"`{section}.median_s`, `.{name}`" in page
            assert named, f"{section}.{name}"
        for name in listed - {str(stars) for stars in STARS}:
            assert f"| `{name}` |" in page, name


async def test_the_page_names_every_family_of_metrics_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
    async with serving(Figures()) as site:
        families = parse((await text(site))[1])
    names = {name.removeprefix("orchestrator_") for name in families}
    assert [name for name in names if f"`{name}`" not in page and f"`{name}{{" not in page] == []
    in_tables = set(re.findall(r"`([a-z_0-9]+)(?:\{[^`]*\})?`", cells(page)))
    assert in_tables - names == {*DEFLECTED, *NOT_DEFLECTED, *LEFT_OUT, *REASONS}
