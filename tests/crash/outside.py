"""What stands around the service, as far as a history is made of it: a `World`, or the models behind a sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from orchestrator.clock import Clock
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.twilio.model import TwilioModel
from tests.inprocess.crm import Crm
from tests.inprocess.world import Taken


class Outside(Protocol):
    @property
    def discord(self) -> DiscordModel: ...
    @property
    def twilio(self) -> TwilioModel: ...
    @property
    def crm(self) -> Crm: ...
    @property
    def followed(self) -> bool:
        """A CRM follows cases."""

    @property
    def desk(self) -> str:
        """`flex` or `builtin`."""

    @property
    def locale(self) -> str:
        """What members speak."""

    @property
    def time(self) -> Clock: ...
    @property
    def ahead(self) -> tuple[float, float]:
        """By how much the clocks of Discord and Twilio are. Seconds."""

    @property
    def jumps(self) -> Sequence[tuple[float, float]]:
        """When the service's own clock was set, by the one time of all, and by how much it is ahead since. Seconds."""

    @property
    def wrote(self) -> Mapping[str, Sequence[str]]:
        """Message -> what a person made it say, in turn."""

    @property
    def edits(self) -> Mapping[str, Sequence[tuple[str, float]]]:
        """Message of the bot's -> what it came to say, and when."""

    @property
    def taken(self) -> Sequence[Taken]:
        """Every webhook that reached the service."""
