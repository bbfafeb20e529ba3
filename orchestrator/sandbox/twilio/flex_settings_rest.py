"""flex-api.twilio.com: the Flex instance's configuration and its interaction webhooks, as REST."""

from __future__ import annotations

from typing import Any

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import invalid, not_found
from orchestrator.sandbox.twilio.flex_rest import BASE
from orchestrator.sandbox.twilio.records import InteractionWebhook
from orchestrator.sandbox.twilio.request import Request, page
from orchestrator.sandbox.twilio.webhook import rest_time
from orchestrator.sandbox.wire import Answer


def create_webhook(request: Request) -> Answer:
    _check_instance(request)
    now = request.account.now()
    hook = InteractionWebhook(
        ttid=f"flex_interactionwebhook_{request.account.sid('')[:26]}",
        created=now,
        updated=now,
        url=request.required("WebhookUrl"),
        method=request.text("WebhookMethod") or "POST",
        events=request.texts("WebhookEvents"),
        type=request.required("Type"),
        friendly_name=request.text("FriendlyName"),
    )
    if hook.type not in ("global", "interaction"):
        raise invalid(f"Type {hook.type!r} must be global or interaction")
    request.account.interaction_webhooks[hook.ttid] = hook
    return Answer(201, webhook_payload(request.account, hook))


def list_webhooks(request: Request) -> Answer:
    _check_instance(request)
    rows = list(request.account.interaction_webhooks.values())
    return page(request, "webhooks", rows, lambda w: webhook_payload(request.account, w))


def fetch_webhook(request: Request) -> Answer:
    return Answer(body=webhook_payload(request.account, _webhook(request)))


def update_webhook(request: Request) -> Answer:
    hook = _webhook(request)
    hook.url = request.text("WebhookUrl") or hook.url
    hook.method = request.text("WebhookMethod") or hook.method
    hook.events = request.texts("WebhookEvents") or hook.events
    hook.updated = request.account.now()
    return Answer(body=webhook_payload(request.account, hook))


def delete_webhook(request: Request) -> Answer:
    del request.account.interaction_webhooks[_webhook(request).ttid]
    return Answer(204)


#: properties of the Flex configuration that this account leaves empty
UNSET = (
    "attributes",
    "taskrouter_skills",
    "taskrouter_worker_channels",
    "taskrouter_worker_attributes",
    "ui_language",
    "ui_attributes",
    "ui_dependencies",
    "call_recording_enabled",
    "call_recording_webhook_url",
    "crm_enabled",
    "crm_type",
    "crm_callback_url",
    "crm_fallback_url",
    "crm_attributes",
    "public_attributes",
    "plugin_service_enabled",
    "plugin_service_attributes",
    "integrations",
    "outbound_call_flows",
    "serverless_service_sids",
    "queue_stats_configuration",
    "notifications",
    "markdown",
    "flex_insights_hr",
    "flex_insights_drilldown",
    "channel_configs",
    "debugger_integration",
    "flex_ui_status_report",
    "agent_conv_end_methods",
    "citrix_voice_vdi",
    "offline_config",
)


def fetch_configuration(request: Request) -> Answer:
    account = request.account
    return Answer(
        body={
            **dict.fromkeys(UNSET),
            "account_sid": account.account_sid,
            "date_created": rest_time(account.created),
            "date_updated": rest_time(account.created),
            "status": "ok",
            "taskrouter_workspace_sid": account.workspace_sid,
            "taskrouter_target_workflow_sid": account.workflow_sid,
            "taskrouter_target_taskqueue_sid": account.queue_sid,
            "taskrouter_taskqueues": [{"sid": account.queue_sid, "targettable": True}],
            "taskrouter_offline_activity_sid": account.offline_sid,
            "runtime_domain": "https://flex.twilio.com",
            "messaging_service_instance_sid": account.messaging_service_sid,
            "chat_service_instance_sid": account.chat_service_sid,
            "flex_service_instance_sid": account.chat_service_sid,
            "flex_instance_sid": account.instance_sid,
            "ui_version": "2.0",
            "service_version": "2.0",
            "flex_url": "https://flex.twilio.com",
            "url": f"{BASE}/Configuration",
        }
    )


def _webhook(request: Request) -> InteractionWebhook:
    _check_instance(request)
    found = request.account.interaction_webhooks.get(request.args[1])
    if found is None:
        raise not_found(f"/InteractionWebhooks/{request.args[1]}")
    return found


def _check_instance(request: Request) -> None:
    if request.args[0] != request.account.instance_sid:
        raise not_found(f"/Instances/{request.args[0]}")


def webhook_payload(account: Account, hook: InteractionWebhook) -> dict[str, Any]:
    return {
        "ttid": hook.ttid,
        "account_sid": account.account_sid,
        "instance_sid": account.instance_sid,
        "friendly_name": hook.friendly_name,
        "type": hook.type,
        "webhook_url": hook.url,
        "webhook_method": hook.method,
        "webhook_events": hook.events,
        "date_created": rest_time(hook.created),
        "date_updated": rest_time(hook.updated),
        "url": f"{BASE}/Instances/{account.instance_sid}/InteractionWebhooks/{hook.ttid}",
    }
