"""Where agents of the built-in desk come to: commands are committed before they are answered, and judged by that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from machines.conversation import HERE_ALREADY, TAKEN, State
from machines.events import Event, Source, message_id
from machines.table import Outcome
from orchestrator.clock import Clock
from orchestrator.counters import Agent, Reply
from orchestrator.desk import view
from orchestrator.desk.commands import Command
from orchestrator.errors import Reject, Retry
from orchestrator.readable import readable
from orchestrator.texts.say import Words
from storage.reads.desk import DeskReader
from storage.reads.rows import FactRow, RequestRow
from storage.values import Receipt

#: What an event brings that makes it the same command: a caller may not use its id for another one.
_SAME = ("agent", "body", "to", "claim", "message", "emoji")
#: For so long Discord is waited for where nothing depends on it.
TYPING_S = 2.0
_DONE = frozenset({Outcome.MOVED, Outcome.STAYED})

#: Why a command was not carried out, for people. `{who}`: the agents who are there.
DETAILS: Mapping[str, str] = {
    "unknown": "there is no such conversation, or no such message in it",
    "over": "nobody waits there any more: the conversation or the request is over",
    "taken": "{who} has it; join to come beside them",
    "not_here": "you are not in this conversation: claim it first",
    "not_yours": "another agent wrote this message",
    "not_shown": "this message never reached the member",
    "id_used": "this id belongs to another command: mint a new one for each",
    "failed": "it could not be carried out; the operator has been told",
}


class Counter:
    """Commands and reads of agents.

    What a command came to is read from the journal, so that a repeat is answered like the first. Who may do what is
    looked at beforehand, for a clear answer; what two do at the same moment, the table decides.
    """

    def __init__(
        self,
        reader: DeskReader,
        submit: Callable[[Sequence[Event]], Awaitable[Sequence[Receipt]]],
        clock: Clock,
        words: Words,
        show_typing: Callable[[str], Awaitable[None]],
    ) -> None:
        """`words`: what agents read. `show_typing`: in a channel of Discord's, for a few seconds."""
        self.reader = reader
        self.submit = submit
        self.clock = clock
        self.words = words
        self.show_typing = show_typing

    # --- looking

    async def queue(self, agent: str) -> Mapping[str, Any]:
        with readable():
            return view.queue(await self.reader.live_requests(), agent)

    async def conversation(self, conversation: str) -> Mapping[str, Any] | None:
        with readable():
            row = await self.reader.request(conversation)
            if row is None:
                return None
            said = await self.reader.transcript(conversation)
            notes = await self.reader.notes(conversation, row.request)
            return view.conversation(row, said, notes, self.words)

    # --- commands

    async def claim(self, conversation: str, agent: Agent, minted: str, *, join: bool) -> Reply:
        return await self._take(
            conversation,
            agent,
            minted,
            lambda command: command.claim(join=join),
            look=_is_live,
            came=_claimed,
        )

    async def write(self, conversation: str, agent: Agent, minted: str, body: str) -> Reply:
        reply = await self._take(conversation, agent, minted, lambda command: command.write(body))
        if reply.error:
            return reply
        with readable():
            said = await self.reader.message(message_id(Source.PAGE, minted))
        if said is None or said.withheld:  # it came when nobody was there for it
            return await self._reply(conversation, "over", reply.state)
        return reply

    async def react(self, conversation: str, agent: Agent, minted: str, message: str, emoji: str) -> Reply:
        """To what the member wrote."""
        row = message_id(Source.DISCORD, message)
        with readable():
            said = await self.reader.message(row)
        if said is None or said.deleted or said.conversation != conversation:
            return await self._reply(conversation, "unknown")
        return await self._take(conversation, agent, minted, lambda command: command.react(row, emoji))

    async def types(self, conversation: str, agent: Agent) -> Reply:
        """Is not recorded: after a crash, or when Discord does not take it, it would come too late."""
        with readable():
            row = await self.reader.request(conversation)
            member = await self.reader.member(row.member) if row else None
        if row is None or member is None:
            return await self._reply(conversation, "unknown")
        if error := _has_it(row, agent):
            return await self._reply(conversation, error, row.state)
        if member.dm_channel:
            with suppress(Retry, Reject, TimeoutError):
                async with asyncio.timeout(TYPING_S):
                    await self.show_typing(member.dm_channel)
        return await self._reply(conversation, "", row.state)

    async def leave(self, conversation: str, agent: Agent, minted: str) -> Reply:
        return await self._take(conversation, agent, minted, Command.leave)

    async def transfer(self, conversation: str, agent: Agent, minted: str, *, to: str) -> Reply:
        return await self._take(conversation, agent, minted, lambda command: command.transfer(to))

    async def close(self, conversation: str, agent: Agent, minted: str) -> Reply:
        return await self._take(conversation, agent, minted, Command.close)

    async def edit(self, conversation: str, agent: Agent, message: str, body: str) -> Reply:
        """Of a message that reached the member or is on its way. The same words once more change nothing."""
        with readable():
            said = await self.reader.message(message_id(Source.PAGE, message))
        changed = (said.edited_at or said.at) if said else 0.0
        return await self._change(conversation, agent, message, lambda command: command.edit(body, changed))

    async def unsend(self, conversation: str, agent: Agent, message: str) -> Reply:
        return await self._change(conversation, agent, message, Command.unsend)

    # --- parts

    async def _take(
        self,
        conversation: str,
        agent: Agent,
        minted: str,
        state: Callable[[Command], tuple[Event, ...]],
        *,
        look: Callable[[RequestRow, Agent], str] | None = None,
        came: Callable[[FactRow], str] | None = None,
    ) -> Reply:
        """State the facts of a command, unless they are known, and say what came of the first of them.

        `look` and `came` name an error, or none: by the request beforehand, and by the journal afterwards.
        """
        with readable():
            row = await self.reader.request(conversation)
            # read after the request: what a copy of this command changes in between is known to be its own doing
            fact = await self.reader.fact(Source.PAGE, minted)
        if row is None:
            return await self._reply(conversation, "unknown")
        events = state(Command(conversation, row.request, agent, minted, self.clock.now()))
        if fact is None:
            if error := (look or _has_it)(row, agent):
                return await self._reply(conversation, error, row.state)
            await self.submit(events)
            with readable():
                fact = await self.reader.fact(Source.PAGE, minted)
        if fact is None or fact.outcome == Outcome.FAILED:
            return await self._reply(conversation, "failed", row.state)
        if not _is_same(fact, conversation, events[0]):
            return await self._reply(conversation, "id_used", row.state)
        return await self._reply(conversation, (came or _done)(fact), fact.state)

    async def _change(
        self,
        conversation: str,
        agent: Agent,
        message: str,
        state: Callable[[Command], tuple[Event, ...]],
    ) -> Reply:
        """Change a message of the agent's own. Its row is its own ledger: a repeat finds nothing to change."""
        with readable():
            written = await self.reader.fact(Source.PAGE, message)
            said = await self.reader.message(message_id(Source.PAGE, message))
            row = await self.reader.request(conversation)
        if row is None or said is None or written is None or said.conversation != conversation:
            return await self._reply(conversation, "unknown")
        if written.data.get("agent") != agent.id:
            return await self._reply(conversation, "not_yours", row.state)
        if said.withheld:
            return await self._reply(conversation, "not_shown", row.state)
        if row.state == State.CLOSED:
            return await self._reply(conversation, "over", row.state)
        [receipt] = await self.submit(
            state(Command(conversation, row.request, agent, message, self.clock.now()))
        )
        if receipt.outcome is Outcome.FAILED:
            return await self._reply(conversation, "failed", row.state)
        # it may have closed meanwhile: then the change stands in the transcript, and the member is not shown it
        error = "over" if receipt.state == State.CLOSED else ""
        return await self._reply(conversation, error, receipt.state or row.state)

    async def _reply(self, conversation: str, error: str, state: str = "") -> Reply:
        with readable():
            row = await self.reader.request(conversation)
        agents = tuple(Agent(identity, name) for identity, name in row.agents) if row else ()
        who = ", ".join(agent.name for agent in agents) or "somebody else"
        detail = DETAILS[error].format(who=who) if error else ""
        return Reply(error, detail, state, agents)


def _is_live(row: RequestRow, _agent: Agent) -> str:
    return "" if row.is_live else "over"


def _has_it(row: RequestRow, agent: Agent) -> str:
    """Is this agent there? One who fell silent still is, until somebody else has it."""
    if not row.is_live:
        return "over"
    present = agent.id in dict(row.agents) or (not row.agents and agent.id in row.away)
    return "" if present else "not_here"


def _claimed(fact: FactRow) -> str:
    if fact.reason == TAKEN:
        return "taken"
    there = fact.state == State.WITH_AGENT and fact.outcome in _DONE
    return "" if there or fact.reason == HERE_ALREADY else "over"


def _done(fact: FactRow) -> str:
    """What is ignored came too late: the talk is over, or goes on without this agent."""
    if fact.outcome in _DONE:
        return ""
    return "over" if fact.state in (State.BOT_FAQ, State.CLOSED) else "not_here"


def _is_same(fact: FactRow, conversation: str, event: Event) -> bool:
    """Was this said before, word for word, of the same conversation by the same agent?"""
    return (fact.conversation, fact.trigger) == (conversation, event.trigger) and all(
        fact.data.get(name) == event.data.get(name) for name in _SAME
    )
