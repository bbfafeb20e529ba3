"""The desk's side of the wiring: Flex with all that speaks to Twilio, or the built-in desk, which speaks to nobody."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.desk.builtin import BuiltinDesk, nothing_missed
from orchestrator.errors import Unreachable
from orchestrator.health import Reach
from orchestrator.ports import Desk, Read
from orchestrator.settings import Settings
from orchestrator.texts.say import words
from orchestrator.twilio import intake
from orchestrator.twilio.account import Account
from orchestrator.twilio.backfill import DeskBackfill
from orchestrator.twilio.client import TwilioRest
from orchestrator.twilio.desk import FlexDesk
from orchestrator.twilio.live import Live, Positions
from storage.reads.desk import DeskReader
from storage.reads.reader import Reader
from storage.values import Receipt

log = logging.getLogger(__name__)

Submit = Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
Intake = Callable[[Mapping[str, str], Mapping[str, str], datetime], tuple[Event, ...]]
Mark = Callable[[list[tuple[str, int, bool]]], Awaitable[None]]


async def _nobody(_events: Sequence[Event]) -> list[Receipt]:
    return []


def _nothing(_fields: Mapping[str, str], _query: Mapping[str, str], _at: datetime) -> tuple[Event, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Side:
    """One desk, and how it is heard. What only one of them has is empty at the other."""

    desk: Desk
    read: Callable[[], Awaitable[Read]]  #: what was missed there
    take: Submit = _nobody  #: events of webhooks, in the order in which they happened
    conversations: Intake = _nothing
    interactions: Intake = _nothing
    account_sid: str = ""
    auth_tokens: tuple[str, ...] = ()
    reach: Reach | None = None  #: whether it answers
    ping: Callable[[], Awaitable[None]] | None = None
    closing: tuple[Callable[[], Awaitable[None]], ...] = ()
    reader: DeskReader | None = None  #: what agents of the built-in desk see


def builtin_side(reader: DeskReader) -> Side:
    return Side(BuiltinDesk(), nothing_missed, reader=reader)


async def flex_side(settings: Settings, reader: Reader, clock: Clock, submit: Submit, mark: Mark) -> Side:
    """Raises ConfigurationError and Unreachable where the account cannot be used."""
    reach, positions = Reach("twilio", clock), Positions()
    login = (settings.twilio_account_sid, *settings.twilio_login, settings.twilio_api_url or None)
    workspace, workflow = await _discover(settings, Account(*login, reach.told))
    twilio = TwilioRest(*login, reach.told)
    twilio.posted = positions.account
    desk = FlexDesk(
        twilio,
        reader,
        clock,
        public_url=settings.public_url,
        workspace=workspace,
        workflow=workflow,
        words=words(settings.default_locale),
    )
    missed = DeskBackfill(twilio, reader, clock, mark, positions=positions, workspace=workspace)
    return Side(
        desk,
        missed.read,
        take=Live(submit, missed.read_one, positions).take,
        conversations=_conversations,
        interactions=_interactions,
        account_sid=settings.twilio_account_sid,
        auth_tokens=settings.twilio_auth_tokens,
        reach=reach,
        ping=twilio.ping,
        closing=(twilio.close,),
    )


async def _discover(settings: Settings, account: Account) -> tuple[str, str]:
    """Workspace and workflow, looked up where they are not set and exactly one exists."""
    try:
        if settings.twilio_workspace_sid and settings.twilio_workflow_sid:
            await _check_login(account)
            return settings.twilio_workspace_sid, settings.twilio_workflow_sid
        workspace = settings.twilio_workspace_sid or await account.workspace()
        return workspace, settings.twilio_workflow_sid or await account.workflow(workspace)
    finally:
        await account.close()


async def _check_login(account: Account) -> None:
    """A login that is refused ends the start; a Twilio that is away does not: members can still ask the bot."""
    try:
        await account.login()
    except Unreachable as error:
        log.warning("Twilio cannot be asked", extra={"reason": error.what})


def _fresh() -> str:
    return secrets.token_hex(12)


def _conversations(
    fields: Mapping[str, str], query: Mapping[str, str], received_at: datetime
) -> tuple[Event, ...]:
    return intake.conversations(fields, intake.Mark.read(query), received_at, _fresh)


def _interactions(
    fields: Mapping[str, str], _query: Mapping[str, str], received_at: datetime
) -> tuple[Event, ...]:
    return intake.interactions(fields, received_at, _fresh)
