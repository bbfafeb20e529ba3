"""The families of `/metrics`: what the service does now, what it still has to do, and the statistics. Pure.

No label holds what people wrote, who they are, or an id: their values are closed lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.core import Metric

from storage.reads.figures import Backlog, Durations, Statistics
from web.exposition import gauge, gauges

#: Facts of `/readyz` that are yes or no: 1 or 0.
_FLAGS = {
    "gateway": "Whether the line to Discord's gateway is up.",
    "read_up": "Whether what was missed has been read since the start.",
    "degraded": "Whether a provider does not answer, or a dead letter waits for somebody.",
}
_PROVIDERS = ("discord", "twilio")


def families(
    ready: bool, facts: Mapping[str, Any], alive: Mapping[str, Any], backlog: Backlog, found: Statistics
) -> list[Metric]:
    """`ready` with its facts as `/readyz` tells them, `alive` as `/healthz` does."""
    return [*_service(ready, facts, alive), *_backlog(backlog), *_now(found), *_period(found)]


def _service(ready: bool, facts: Mapping[str, Any], alive: Mapping[str, Any]) -> list[Metric]:
    answers = {name: float(facts[name]) for name in _PROVIDERS if name in facts}
    return [
        gauge("orchestrator_ready", "Whether work can be done, as /readyz tells.", float(ready)),
        *(
            gauge(f"orchestrator_{name}", help_, float(facts[name]) if name in facts else None)
            for name, help_ in _FLAGS.items()
        ),
        gauges(
            "orchestrator_provider_answers",
            "Whether the provider's REST API served the last call.",
            "provider",
            dict(answers),
        ),
        gauge(
            "orchestrator_lanes_busy",
            "Destinations that something is being sent to.",
            alive.get("busy_lanes"),
        ),
    ]


def _backlog(backlog: Backlog) -> list[Metric]:
    return [
        gauge("orchestrator_effects_pending", "Effects recorded and not done.", backlog.effects),
        gauge("orchestrator_lanes_waiting", "Destinations with effects that are not done.", backlog.lanes),
        gauge(
            "orchestrator_oldest_effect_seconds",
            "For how long the oldest effect has been due, 0 without one.",
            backlog.oldest,
        ),
        gauge(
            "orchestrator_events_parked",
            "Events that wait for a conversation that is not known yet.",
            backlog.parked,
        ),
        gauge("orchestrator_dead_letters", "Dead letters that nobody saw to.", backlog.dead_letters),
    ]


def _now(found: Statistics) -> list[Metric]:
    states: dict[str, float | None] = {
        "bot_faq": found.now.with_bot,
        "awaiting_agent": found.now.waiting,
        "with_agent": found.now.with_agent,
    }
    return [
        gauges("orchestrator_conversations_open", "Open conversations by state.", "state", states),
        gauge(
            "orchestrator_longest_wait_seconds",
            "For how long the member waits for an agent who waits longest, 0 without one.",
            found.now.longest_wait or 0.0,
        ),
    ]


def _period(found: Statistics) -> list[Metric]:
    over = f"over {found.period.days} days of the operator's clock, today included"
    return [
        *_durations(
            "first_response", f"From asking for a person to the first agent, {over}", found.first_response
        ),
        *_durations("resolution", f"From the opening of a case to its resolution, {over}", found.resolution),
        gauge(
            "orchestrator_cases_withdrawn",
            f"Cases resolved because the member took the request back, {over}.",
            found.withdrawn,
        ),
        gauges(
            "orchestrator_conversations_ended",
            f"Conversations by how they ended, {over}.",
            "how",
            dict(found.ended),
        ),
        gauge(
            "orchestrator_deflection_ratio",
            f"Share of ended conversations that the bot dealt with alone, {over}.",
            found.deflection,
        ),
        gauges(
            "orchestrator_handoffs",
            f"Conversations handed off to people by reason, {over}.",
            "reason",
            dict(found.handoffs),
        ),
        gauges(
            "orchestrator_ratings",
            f"Ratings by stars, {over}.",
            "stars",
            {str(stars): times for stars, times in found.ratings.stars.items()},
        ),
        gauge("orchestrator_rating_mean", f"Mean of the ratings, 1 to 5, {over}.", found.ratings.mean),
        gauge("orchestrator_comments", f"Comments on conversations, {over}.", found.ratings.comments),
    ]


def _durations(name: str, over: str, took: Durations) -> list[Metric]:
    """Gauges and not a summary: a window's sum and count go down, and a rate of them would mean nothing."""
    return [
        gauges(
            f"orchestrator_{name}_seconds",
            f"{over}: median and what nine of ten did not exceed.",
            "quantile",
            {"0.5": took.median, "0.9": took.p90},
        ),
        gauge(f"orchestrator_{name}s", f"{over}: how many were measured.", took.count),
    ]
