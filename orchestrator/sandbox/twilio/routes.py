"""The map: which host, method and path reach which handler, and which form fields each knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.sandbox.twilio import account_rest as acct
from orchestrator.sandbox.twilio import conversations_rest as conv
from orchestrator.sandbox.twilio import flex_rest as flex
from orchestrator.sandbox.twilio import flex_settings_rest as flex_settings
from orchestrator.sandbox.twilio import taskrouter_rest as tr
from orchestrator.sandbox.twilio.request import Request
from orchestrator.sandbox.wire import Answer

Handler = Callable[[Request], Answer]

API = "api.twilio.com"
CONVERSATIONS = "conversations.twilio.com"
FLEX = "flex-api.twilio.com"
TASKROUTER = "taskrouter.twilio.com"
MCS = "mcs.us1.twilio.com"
MEDIA = "media.us1.twilio.com"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    host: str
    pattern: re.Pattern[str]
    handler: Handler
    fields: frozenset[str]


def _route(method: str, host: str, path: str, handler: Handler, fields: str = "") -> Route:
    pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", path))
    return Route(method, host, pattern, handler, frozenset(fields.split()))


_CONVERSATION = (
    "FriendlyName UniqueName DateCreated DateUpdated MessagingServiceSid Attributes State "
    "Timers.Inactive Timers.Closed Bindings.Email.Address Bindings.Email.Name"
)
_PARTICIPANT = (
    "Identity Attributes RoleSid DateCreated DateUpdated LastReadMessageIndex LastReadTimestamp "
    "MessagingBinding.Address MessagingBinding.ProxyAddress MessagingBinding.ProjectedAddress"
)
_MESSAGE = "Author Body DateCreated DateUpdated Attributes MediaSid ContentSid ContentVariables Subject"
_WEBHOOK = (
    "Target Configuration.Url Configuration.Method Configuration.Filters Configuration.Triggers "
    "Configuration.FlowSid Configuration.ReplayAfter"
)
_GLOBAL_WEBHOOK = "Method Filters PreWebhookUrl PostWebhookUrl Target"
_USER = "Identity FriendlyName Attributes RoleSid"
_INTERACTION_WEBHOOK = "WebhookEvents WebhookMethod WebhookUrl Type FriendlyName"
_TASK = "Attributes AssignmentStatus Reason Priority TaskChannel VirtualStartTime"
_TIMERS = "DefaultChatServiceSid DefaultMessagingServiceSid DefaultInactiveTimer DefaultClosedTimer"
_WORKSPACE = (
    "DefaultActivitySid EventCallbackUrl EventsFilter FriendlyName MultiTaskEnabled TimeoutActivitySid "
    "PrioritizeQueueOrder"
)

_C = "/v1/Conversations/{conversation}"
_I = "/v1/Interactions/{interaction}"
_H = "/v1/Instances/{instance}/InteractionWebhooks"
_W = "/v1/Workspaces/{workspace}"

ROUTES: tuple[Route, ...] = (
    _route("GET", API, "/2010-04-01/Accounts/{account}\\.json", acct.fetch_account),
    _route("GET", CONVERSATIONS, "/v1/Configuration", acct.fetch_configuration),
    _route("POST", CONVERSATIONS, "/v1/Configuration", acct.update_configuration, _TIMERS),
    _route("GET", CONVERSATIONS, "/v1/Configuration/Webhooks", acct.fetch_global_webhook),
    _route("POST", CONVERSATIONS, "/v1/Configuration/Webhooks", acct.update_global_webhook, _GLOBAL_WEBHOOK),
    _route("GET", CONVERSATIONS, "/v1/Services", acct.list_services),
    _route("GET", CONVERSATIONS, "/v1/Services/{service}", acct.fetch_service),
    _route("GET", CONVERSATIONS, "/v1/Services/{service}/Configuration/Webhooks", acct.fetch_service_webhook),
    _route(
        "POST",
        CONVERSATIONS,
        "/v1/Services/{service}/Configuration/Webhooks",
        acct.update_service_webhook,
        _GLOBAL_WEBHOOK,
    ),
    _route("GET", CONVERSATIONS, "/v1/Users", acct.list_users),
    _route("POST", CONVERSATIONS, "/v1/Users", acct.create_user, _USER),
    _route("GET", CONVERSATIONS, "/v1/Users/{user}", acct.fetch_user),
    _route("POST", CONVERSATIONS, "/v1/Users/{user}", acct.update_user, _USER),
    _route("GET", CONVERSATIONS, "/v1/ParticipantConversations", acct.participant_conversations),
    _route("POST", CONVERSATIONS, "/v1/Conversations", conv.create, _CONVERSATION),
    _route("GET", CONVERSATIONS, "/v1/Conversations", conv.index),
    _route("GET", CONVERSATIONS, _C, conv.fetch),
    _route("POST", CONVERSATIONS, _C, conv.update, _CONVERSATION),
    _route("DELETE", CONVERSATIONS, _C, conv.delete),
    _route("POST", CONVERSATIONS, _C + "/Participants", conv.create_participant, _PARTICIPANT),
    _route("GET", CONVERSATIONS, _C + "/Participants", conv.list_participants),
    _route("GET", CONVERSATIONS, _C + "/Participants/{key}", conv.fetch_participant),
    _route("POST", CONVERSATIONS, _C + "/Participants/{key}", conv.update_participant, _PARTICIPANT),
    _route("DELETE", CONVERSATIONS, _C + "/Participants/{key}", conv.delete_participant),
    _route("POST", CONVERSATIONS, _C + "/Messages", conv.create_message, _MESSAGE),
    _route("GET", CONVERSATIONS, _C + "/Messages", conv.list_messages),
    _route("GET", CONVERSATIONS, _C + "/Messages/{sid}", conv.fetch_message),
    _route("POST", CONVERSATIONS, _C + "/Messages/{sid}", conv.update_message, _MESSAGE),
    _route("DELETE", CONVERSATIONS, _C + "/Messages/{sid}", conv.delete_message),
    _route("POST", CONVERSATIONS, _C + "/Webhooks", conv.create_webhook, _WEBHOOK),
    _route("GET", CONVERSATIONS, _C + "/Webhooks", conv.list_webhooks),
    _route("GET", CONVERSATIONS, _C + "/Webhooks/{sid}", conv.fetch_webhook),
    _route("POST", CONVERSATIONS, _C + "/Webhooks/{sid}", conv.update_webhook, _WEBHOOK),
    _route("DELETE", CONVERSATIONS, _C + "/Webhooks/{sid}", conv.delete_webhook),
    _route("POST", MCS, "/v1/Services/{service}/Media", acct.upload_media),
    _route("GET", MCS, "/v1/Services/{service}/Media/{sid}", acct.fetch_media),
    _route("GET", FLEX, "/v1/Configuration", flex_settings.fetch_configuration),
    _route(
        "POST", FLEX, "/v1/Interactions", flex.create, "Channel Routing InteractionContextSid WebhookTtid"
    ),
    _route("GET", FLEX, _I, flex.fetch),
    _route("POST", FLEX, _I, flex.update, "WebhookTtid"),
    _route("GET", FLEX, _I + "/Channels", flex.list_channels),
    _route("GET", FLEX, _I + "/Channels/{channel}", flex.fetch_channel),
    _route("POST", FLEX, _I + "/Channels/{channel}", flex.update_channel, "Status Routing"),
    _route("GET", FLEX, _I + "/Channels/{channel}/Invites", flex.list_invites),
    _route("POST", FLEX, _I + "/Channels/{channel}/Invites", flex.create_invite, "Routing"),
    _route("GET", FLEX, _I + "/Channels/{channel}/Participants", flex.list_participants),
    _route("POST", FLEX, _I + "/Channels/{channel}/Participants/{sid}", flex.update_participant, "Status"),
    _route("GET", FLEX, _H, flex_settings.list_webhooks),
    _route("POST", FLEX, _H, flex_settings.create_webhook, _INTERACTION_WEBHOOK),
    _route("GET", FLEX, _H + "/{ttid}", flex_settings.fetch_webhook),
    _route("POST", FLEX, _H + "/{ttid}", flex_settings.update_webhook, _INTERACTION_WEBHOOK),
    _route("DELETE", FLEX, _H + "/{ttid}", flex_settings.delete_webhook),
    _route("GET", TASKROUTER, "/v1/Workspaces", tr.list_workspaces),
    _route("GET", TASKROUTER, _W, tr.fetch_workspace),
    _route("POST", TASKROUTER, _W, tr.update_workspace, _WORKSPACE),
    _route("GET", TASKROUTER, _W + "/Workflows", tr.list_workflows),
    _route("GET", TASKROUTER, _W + "/TaskQueues", tr.list_queues),
    _route("GET", TASKROUTER, _W + "/TaskChannels", tr.list_channels),
    _route("GET", TASKROUTER, _W + "/Workers", tr.list_workers),
    _route("GET", TASKROUTER, _W + "/Workers/{worker}", tr.fetch_worker),
    _route("GET", TASKROUTER, _W + "/Tasks", tr.list_tasks),
    _route("GET", TASKROUTER, _W + "/Tasks/{task}", tr.fetch_task),
    _route("POST", TASKROUTER, _W + "/Tasks/{task}", tr.update_task, _TASK),
    _route("DELETE", TASKROUTER, _W + "/Tasks/{task}", tr.delete_task),
    _route("GET", TASKROUTER, _W + "/Tasks/{task}/Reservations", tr.list_reservations),
)


def find(method: str, host: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route for a path without a chat service's prefix, with what its pattern captured."""
    for route in ROUTES:
        if route.method == method and route.host == host and (match := route.pattern.fullmatch(path)):
            return route, match.groups()
    return None
