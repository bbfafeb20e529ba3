"""taskrouter.twilio.com: the one workspace, its workflow, queue, channels, workers and tasks, as REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from orchestrator.sandbox.twilio import tasks
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import invalid, not_found
from orchestrator.sandbox.twilio.records import Reservation, Task, Worker
from orchestrator.sandbox.twilio.request import Request, links, page
from orchestrator.sandbox.twilio.webhook import rest_time
from orchestrator.sandbox.wire import Answer

BASE = "https://taskrouter.twilio.com/v1/Workspaces"
WORKSPACE = "Flex Task Assignment"
WORKFLOW = "Assign to Anyone"
QUEUE = "Everyone"
WORKSPACE_LINKS = (
    "activities",
    "statistics",
    "real_time_statistics",
    "cumulative_statistics",
    "task_queues",
    "tasks",
    "workers",
    "workflows",
    "task_channels",
    "events",
)

ORDERINGS: dict[str, Callable[[Task], Any]] = {
    "DateCreated": lambda task: task.created,
    "DateUpdated": lambda task: task.updated,
    "Priority": lambda task: task.priority,
}


def list_workspaces(request: Request) -> Answer:
    name = request.call.query.get("FriendlyName", WORKSPACE)
    rows = [request.account] if name == WORKSPACE else []
    return page(request, "workspaces", rows, workspace_payload)


def fetch_workspace(request: Request) -> Answer:
    return Answer(body=workspace_payload(_account(request)))


def update_workspace(request: Request) -> Answer:
    account = _account(request)
    callback, events = request.text("EventCallbackUrl"), request.text("EventsFilter")
    if callback is not None:
        account.event_callback_url = callback
    if events is not None:
        account.events_filter = events or None
    return Answer(body=workspace_payload(account))


def list_workflows(request: Request) -> Answer:
    name = request.call.query.get("FriendlyName", WORKFLOW)
    rows = [_account(request)] if name == WORKFLOW else []
    return page(request, "workflows", rows, workflow_payload)


def list_queues(request: Request) -> Answer:
    return page(request, "task_queues", [_account(request)], queue_payload)


def list_channels(request: Request) -> Answer:
    account = _account(request)
    rows = list(account.task_channels)
    return page(request, "channels", rows, lambda name: channel_payload(account, name))


def list_workers(request: Request) -> Answer:
    account = _account(request)
    name = request.call.query.get("FriendlyName")
    rows = [w for w in account.workers.values() if name in (None, w.name)]
    return page(request, "workers", rows, lambda w: worker_payload(account, w))


def fetch_worker(request: Request) -> Answer:
    account = _account(request)
    return Answer(body=worker_payload(account, account.worker(request.args[1])))


def list_tasks(request: Request) -> Answer:
    """Filters AssignmentStatus (comma list) and EvaluateTaskAttributes; Ordering like `DateCreated:desc`."""
    account, query = _account(request), request.call.query
    rows = list(account.tasks.values())
    if statuses := query.get("AssignmentStatus"):
        rows = [task for task in rows if task.status in statuses.split(",")]
    if expression := query.get("EvaluateTaskAttributes"):
        matches = tasks.matching(expression)
        rows = [task for task in rows if matches(task)]
    for part in reversed((query.get("Ordering") or "DateCreated:asc").split(",")):
        name, _, direction = part.partition(":")
        if name not in ORDERINGS:
            raise invalid(f"Ordering {part!r} is not supported")
        rows.sort(key=ORDERINGS[name], reverse=direction == "desc")
    return page(request, "tasks", rows, lambda task: task_payload(account, task))


def fetch_task(request: Request) -> Answer:
    account = _account(request)
    return Answer(body=task_payload(account, account.task(request.args[1])))


def update_task(request: Request) -> Answer:
    """Attributes are replaced whole; AssignmentStatus canceled, wrapping or completed."""
    account = _account(request)
    task = account.task(request.args[1])
    if request.text("Attributes") is not None:
        tasks.set_attributes(account, task, request.json("Attributes"))
    if priority := request.text("Priority"):
        task.priority = int(priority)
    if status := request.text("AssignmentStatus"):
        change = {"canceled": tasks.cancel, "wrapping": tasks.wrap, "completed": tasks.complete}.get(status)
        if change is None:
            raise invalid(f"AssignmentStatus {status!r} must be canceled, wrapping or completed")
        change(account, task, request.text("Reason"))
    return Answer(body=task_payload(account, task))


def delete_task(request: Request) -> Answer:
    account = _account(request)
    tasks.delete(account, account.task(request.args[1]))
    return Answer(204)


def list_reservations(request: Request) -> Answer:
    account = _account(request)
    task = account.task(request.args[1])
    return page(request, "reservations", task.reservations, lambda r: reservation_payload(account, task, r))


def _account(request: Request) -> Account:
    if request.args[0] != request.account.workspace_sid:
        raise not_found(f"/Workspaces/{request.args[0]}")
    return request.account


def workspace_payload(account: Account) -> dict[str, Any]:
    url = f"{BASE}/{account.workspace_sid}"
    return {
        "account_sid": account.account_sid,
        "date_created": rest_time(account.created),
        "date_updated": rest_time(account.created),
        "default_activity_name": "Offline",
        "default_activity_sid": account.offline_sid,
        "event_callback_url": account.event_callback_url,
        "events_filter": account.events_filter,
        "friendly_name": WORKSPACE,
        "multi_task_enabled": True,
        "prioritize_queue_order": "FIFO",
        "sid": account.workspace_sid,
        "timeout_activity_name": "Offline",
        "timeout_activity_sid": account.offline_sid,
        "url": url,
        "links": links(url, WORKSPACE_LINKS),
    }


def workflow_payload(account: Account) -> dict[str, Any]:
    url = f"{BASE}/{account.workspace_sid}/Workflows/{account.workflow_sid}"
    routing = {"task_routing": {"filters": [], "default_filter": {"queue": account.queue_sid}}}
    return {
        "account_sid": account.account_sid,
        "assignment_callback_url": None,
        "configuration": json.dumps(routing),
        "date_created": rest_time(account.created),
        "date_updated": rest_time(account.created),
        "document_content_type": "application/json",
        "fallback_assignment_callback_url": None,
        "friendly_name": WORKFLOW,
        "sid": account.workflow_sid,
        "task_reservation_timeout": 120,
        "workspace_sid": account.workspace_sid,
        "url": url,
        "links": links(url, ("statistics", "real_time_statistics", "cumulative_statistics")),
    }


def queue_payload(account: Account) -> dict[str, Any]:
    url = f"{BASE}/{account.workspace_sid}/TaskQueues/{account.queue_sid}"
    return {
        "account_sid": account.account_sid,
        "assignment_activity_name": None,
        "assignment_activity_sid": None,
        "date_created": rest_time(account.created),
        "date_updated": rest_time(account.created),
        "friendly_name": QUEUE,
        "max_reserved_workers": 1,
        "reservation_activity_name": None,
        "reservation_activity_sid": None,
        "sid": account.queue_sid,
        "target_workers": "1==1",
        "task_order": "FIFO",
        "workspace_sid": account.workspace_sid,
        "url": url,
        "links": links(url, ("statistics", "real_time_statistics", "cumulative_statistics")),
    }


def channel_payload(account: Account, name: str) -> dict[str, Any]:
    workspace = f"{BASE}/{account.workspace_sid}"
    sid = account.task_channels[name]
    return {
        "account_sid": account.account_sid,
        "date_created": rest_time(account.created),
        "date_updated": rest_time(account.created),
        "friendly_name": name.title(),
        "sid": sid,
        "unique_name": name,
        "workspace_sid": account.workspace_sid,
        "channel_optimized_routing": False,
        "url": f"{workspace}/TaskChannels/{sid}",
        "links": {"workspace": workspace},
    }


def worker_payload(account: Account, worker: Worker) -> dict[str, Any]:
    workspace = f"{BASE}/{account.workspace_sid}"
    url = f"{workspace}/Workers/{worker.sid}"
    return {
        "account_sid": account.account_sid,
        "activity_name": "Available",
        "activity_sid": account.available_sid,
        "attributes": worker.attributes,
        "available": True,
        "date_created": rest_time(worker.created),
        "date_status_changed": rest_time(worker.created),
        "date_updated": rest_time(worker.updated),
        "friendly_name": worker.name,
        "sid": worker.sid,
        "workspace_sid": account.workspace_sid,
        "url": url,
        "links": {"workspace": workspace, **links(url, ("channels", "reservations"))},
    }


def task_payload(account: Account, task: Task) -> dict[str, Any]:
    workspace = f"{BASE}/{account.workspace_sid}"
    url = f"{workspace}/Tasks/{task.sid}"
    return {
        "account_sid": account.account_sid,
        "age": int((account.now() - task.created).total_seconds()),
        "assignment_status": task.status,
        "attributes": json.dumps(task.attributes),
        "addons": "{}",
        "date_created": rest_time(task.created),
        "date_updated": rest_time(task.updated),
        "task_queue_entered_date": rest_time(task.created),
        "virtual_start_time": rest_time(task.created),
        "priority": task.priority,
        "reason": task.reason,
        "sid": task.sid,
        "task_queue_sid": account.queue_sid,
        "task_queue_friendly_name": QUEUE,
        "task_channel_sid": account.task_channels[task.channel],
        "task_channel_unique_name": task.channel,
        "timeout": task.timeout,
        "workflow_sid": account.workflow_sid,
        "workflow_friendly_name": WORKFLOW,
        "workspace_sid": account.workspace_sid,
        "ignore_capacity": False,
        "routing_target": task.target,
        "url": url,
        "links": {
            "task_queue": f"{workspace}/TaskQueues/{account.queue_sid}",
            "workflow": f"{workspace}/Workflows/{account.workflow_sid}",
            "workspace": workspace,
            "reservations": f"{url}/Reservations",
        },
    }


def reservation_payload(account: Account, task: Task, reservation: Reservation) -> dict[str, Any]:
    workspace = f"{BASE}/{account.workspace_sid}"
    return {
        "account_sid": account.account_sid,
        "date_created": rest_time(reservation.created),
        "date_updated": rest_time(reservation.updated),
        "reservation_status": reservation.status,
        "sid": reservation.sid,
        "task_sid": task.sid,
        "worker_name": reservation.worker.name,
        "worker_sid": reservation.worker.sid,
        "workspace_sid": account.workspace_sid,
        "url": f"{workspace}/Tasks/{task.sid}/Reservations/{reservation.sid}",
        "links": {
            "task": f"{workspace}/Tasks/{task.sid}",
            "worker": f"{workspace}/Workers/{reservation.worker.sid}",
            "workspace": workspace,
        },
    }
