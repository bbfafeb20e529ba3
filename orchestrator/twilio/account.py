"""What an account holds, for set-up: workspaces, workflows, the Flex instance and its webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from twilio.rest import Client

from orchestrator.errors import ConfigurationError, Retry, Unreachable
from orchestrator.ports import Answered, unnoticed
from orchestrator.twilio.client import FLEX, HttpClient


class Account:
    """Reads and registers, by hand or at start, never on the way of a message: every failure is `Fatal`."""

    def __init__(
        self,
        account_sid: str,
        username: str,
        password: str,
        api_url: str | None,
        answered: Answered = unnoticed,
    ) -> None:
        self._http = HttpClient(api_url, answered)
        self._client = Client(username, password, account_sid, http_client=self._http)

    async def close(self) -> None:
        await self._http.close()

    async def workspace(self) -> str:
        """The only workspace. Raises ConfigurationError listing them when there are several."""
        found = await self._get("https://taskrouter.twilio.com/v1/Workspaces")
        return _only("TWILIO_WORKSPACE_SID", "workspace", found.get("workspaces", ()))

    async def workflow(self, workspace: str) -> str:
        found = await self._get(f"https://taskrouter.twilio.com/v1/Workspaces/{workspace}/Workflows")
        return _only("TWILIO_WORKFLOW_SID", "workflow", found.get("workflows", ()))

    async def login(self) -> None:
        """Is the login taken? Raises ConfigurationError if it is refused, Unreachable if that cannot be told."""
        await self._get(f"{FLEX}/Configuration")

    async def instance(self) -> str:
        """GO... of Flex. Raises ConfigurationError where the account has none."""
        found = await self._get(f"{FLEX}/Configuration")
        if not found.get("flex_instance_sid"):
            raise ConfigurationError("TWILIO_FLEX_INSTANCE_SID is not set and was not found")
        return str(found["flex_instance_sid"])

    async def interaction_webhooks(self, instance: str) -> list[Mapping[str, Any]]:
        found = await self._get(f"{FLEX}/Instances/{instance}/InteractionWebhooks")
        return list(found.get("webhooks") or found.get("interaction_webhooks") or ())

    async def add_interaction_webhook(self, instance: str, url: str, events: Sequence[str]) -> None:
        await self._call(
            "POST",
            f"{FLEX}/Instances/{instance}/InteractionWebhooks",
            {
                "Type": "global",
                "WebhookUrl": url,
                "WebhookMethod": "POST",
                "WebhookEvents": list(events),
                "FriendlyName": "conversation-orchestrator",
            },
        )

    async def _get(self, url: str) -> dict[str, Any]:
        return await self._call("GET", url, None)

    async def _call(self, method: str, url: str, data: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = await self._client.request_async(method, url, data=data)
        except Retry as error:
            raise Unreachable(str(error), "try again in a moment") from error
        except Exception as error:
            raise Unreachable(f"Twilio does not answer ({type(error).__name__})") from error
        if response.status_code == 401:
            raise ConfigurationError(
                "TWILIO_AUTH_TOKEN is refused by Twilio", "copy it again from the console"
            )
        if response.status_code >= 400:
            raise Unreachable(f"Twilio answered {response.status_code} to {method} {url}")
        try:
            return dict(json.loads(response.text))
        except (TypeError, ValueError) as error:
            raise Unreachable(f"Twilio answered nonsense to {method} {url}") from error


def _only(setting: str, noun: str, found: Sequence[Mapping[str, Any]]) -> str:
    if len(found) == 1:
        return str(found[0]["sid"])
    listed = ", ".join(f"{row['sid']} ({row.get('friendly_name', '')})" for row in found) or "none"
    raise ConfigurationError(
        f"{setting} is not set and the account has {len(found)} of them: {listed}", f"name the {noun}"
    )
