"""What happens to TaskRouter tasks: waiting, reservations, wrap-up, cancellation, time running out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import conflict, invalid
from orchestrator.sandbox.twilio.events import task_event
from orchestrator.sandbox.twilio.records import Reservation, Task, Worker

DEFAULT_TIMEOUT = 86_400  #: seconds; TaskRouter's default for a task
TIMED_OUT = "Task canceled on Workflow timeout"

_TERM = re.compile(r"""\s*([\w.]+)\s*==\s*(?:'([^']*)'|"([^"]*)"|([\w.+-]+))\s*""")


def create(account: Account, attributes: dict[str, Any], properties: dict[str, Any]) -> Task:
    """A pending task, routed as the properties of an interaction's `Routing` ask."""
    channel = properties.get("task_channel_unique_name") or next(
        (name for name, sid in account.task_channels.items() if sid == properties.get("task_channel_sid")),
        "default",
    )
    if channel not in account.task_channels:
        raise invalid(f"Task channel {channel!r} does not exist")
    task = Task(
        **account.fresh("WT"),
        attributes=attributes,
        status="pending",
        priority=int(properties.get("priority") or 0),
        timeout=int(properties.get("timeout") or DEFAULT_TIMEOUT),
        channel=channel,
        target=properties.get("worker_sid"),
    )
    account.tasks[task.sid] = task
    for event in ("task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered"):
        task_event(account, task, event)
    return task


def set_attributes(account: Account, task: Task, attributes: dict[str, Any]) -> None:
    task.attributes = attributes
    account.touch(task)
    task_event(account, task, "task.updated")


def accept(account: Account, task: Task, worker: Worker) -> Reservation:
    """Assign it. Raises 409 when another agent was first or the task is over."""
    reservation = _reserve(account, task, worker)
    reservation.status, task.status = "accepted", "assigned"
    account.touch(reservation)
    task_event(account, task, "reservation.accepted", reservation)
    return reservation


def reject(account: Account, task: Task, worker: Worker) -> Reservation:
    """Turn down the offer; the task goes on waiting for somebody else."""
    reservation = _reserve(account, task, worker)
    reservation.status, task.status = "rejected", "pending"
    account.touch(reservation)
    task_event(account, task, "reservation.rejected", reservation)
    return reservation


def wrap(account: Account, task: Task, reason: str | None = None) -> None:
    """The conversation is over for the agent, the paperwork is not. Raises 409 unless assigned."""
    if task.status != "assigned":
        raise conflict(f"Task {task.sid} is {task.status}, only an assigned task can be wrapped up")
    task.status, task.reason = "wrapping", reason
    account.touch(task)
    if held := task.held():
        held.status = "wrapping"
        account.touch(held)
        task_event(account, task, "reservation.wrapup", held)
    task_event(account, task, "task.wrapup")


def complete(account: Account, task: Task, reason: str | None = None) -> None:
    """Wrap up if need be, then finish. Raises 409 unless an agent has it."""
    if task.status == "assigned":
        wrap(account, task, reason)
    if task.status != "wrapping":
        raise conflict(
            f"Task {task.sid} is {task.status}, only an assigned or wrapping task can be completed"
        )
    task.status, task.reason = "completed", reason or task.reason
    account.touch(task)
    if held := task.held():
        held.status = "completed"
        account.touch(held)
        task_event(account, task, "reservation.completed", held)
    task_event(account, task, "task.completed")


def cancel(account: Account, task: Task, reason: str | None) -> None:
    """Withdraw a waiting task. Raises 409 once an agent has it: TaskRouter cancels pending and reserved only."""
    if task.status not in ("pending", "reserved"):
        raise conflict(f"Task {task.sid} is {task.status} and cannot be canceled")
    task.status, task.reason = "canceled", reason
    account.touch(task)
    task_event(account, task, "task.canceled")


def delete(account: Account, task: Task) -> None:
    del account.tasks[task.sid]
    task_event(account, task, "task.deleted")


def tick(account: Account) -> None:
    """Cancel the tasks nobody took in time."""
    now = account.now()
    for task in list(account.tasks.values()):
        if (due := due_at(task)) and due <= now:
            task_event(account, task, "workflow.timeout")
            cancel(account, task, TIMED_OUT)


def due_at(task: Task) -> datetime | None:
    """When a waiting task times out."""
    return task.created + timedelta(seconds=task.timeout) if task.status == "pending" else None


def matching(expression: str) -> Callable[[Task], bool]:
    """`EvaluateTaskAttributes` for terms `key == 'value'` joined by AND. Raises 400 for anything richer."""
    terms: list[tuple[str, str]] = []
    for part in re.split(r"\s+(?:AND|and|&&)\s+", expression):
        match = _TERM.fullmatch(part)
        if not match:
            raise invalid(f"EvaluateTaskAttributes {part!r}: only key == 'value' joined by AND is understood")
        key, *values = match.groups()
        terms.append((key, next(value for value in values if value is not None)))
    return lambda task: all(_attribute(task, key) == value for key, value in terms)


def _attribute(task: Task, key: str) -> str | None:
    value: Any = task.attributes
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _reserve(account: Account, task: Task, worker: Worker) -> Reservation:
    if task.status != "pending":
        holder = task.held()
        raise conflict(f"Task {task.sid} is {task.status}" + (f" to {holder.worker.name}" if holder else ""))
    if task.target not in (None, worker.sid):
        raise conflict(f"Task {task.sid} is routed to another worker than {worker.name}")
    reservation = Reservation(**account.fresh("WR"), worker=worker, status="pending")
    task.reservations.append(reservation)
    task.status = "reserved"
    account.touch(task)
    task_event(account, task, "reservation.created", reservation)
    return reservation
