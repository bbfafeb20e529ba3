"""Where agents work on cases: commands are committed before they are answered, and judged by that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from machines import conversation
from machines.case import INTO_ANOTHERS, INTO_CLOSED, INTO_ITSELF, IS_LIVE
from machines.events import Event, Source
from machines.sla import Targets
from machines.snapshot import REPORTS
from machines.table import Outcome
from orchestrator.cases import duplicates, view
from orchestrator.cases.commands import Command
from orchestrator.clock import Clock
from orchestrator.counters import Agent, CaseReply
from orchestrator.readable import readable
from storage.reads.cases import CaseReader
from storage.reads.rows import CaseFile, CaseQuery, FactRow
from storage.values import Receipt

#: So many of the last open cases of a kind are compared with one.
COMPARED = 200
#: What an event brings that makes it the same command: a caller may not use its id for another one.
_SAME = (
    *("agent", "body", "to", "reason", "into", "case", "kind", "follows"),
    *("title", "summary", "priority", "tags"),
)
_DONE = frozenset({Outcome.MOVED, Outcome.STAYED})

#: Why a command was not carried out, for people.
DETAILS: Mapping[str, str] = {
    "unknown": "there is no such case",
    "unknown_member": "nobody of that id has ever written to the bot",
    "unknown_into": "there is no case with the number in `into`",
    "unknown_follows": "that member has no case with the number in `follows`",
    "pending": "the case waits for its member already",
    "resolved": "the case is resolved: reopen it first",
    "closed": "the case is closed: open one that follows it, with `follows` in POST /cases",
    "not_resolved": "the case is not resolved: there is nothing to reopen",
    "into_itself": "a case cannot be merged into itself",
    "into_closed": "the case in `into` is closed: merge into one that is not",
    "into_anothers": "only bugs and features of several members can be one case",
    "blocked": "the member is blocked: nobody writes to them",
    "id_used": "this id belongs to another command: mint a new one for each",
    "failed": "it could not be carried out; the operator has been told",
}
#: The reasons of the tables, as errors. Every other refusal is by the state that the case is in.
_ERRORS: Mapping[str, str] = {
    IS_LIVE: "not_resolved",
    INTO_ITSELF: "into_itself",
    INTO_CLOSED: "into_closed",
    INTO_ANOTHERS: "into_anothers",
    conversation.BLOCKED: "blocked",
    conversation.CASE_CLOSED: "closed",
}


class CaseCounter:
    """Commands and reads of agents. What two do at the same moment, the table decides.

    What a command came to is read from the journal, so that a repeat is answered like the first.
    """

    def __init__(
        self,
        reader: CaseReader,
        submit: Callable[[Sequence[Event]], Awaitable[Sequence[Receipt]]],
        clock: Clock,
        targets: Targets,
        *,
        present: bool,
    ) -> None:
        """`present`: an agent who writes first has the conversation at once, as at the built-in desk."""
        self.reader = reader
        self.submit = submit
        self.clock = clock
        self.targets = targets
        self.present = present

    # --- looking

    async def cases(self, wanted: CaseQuery) -> Mapping[str, Any]:
        with readable():
            found = await self.reader.cases(wanted)
        return view.listed(found, self.clock.time(), self.targets, wanted.at_most)

    async def case(self, number: int) -> Mapping[str, Any] | None:
        with readable():
            case = await self.reader.case_file(number)
            if case is None:
                return None
            return view.whole(case, await self._around(case), self.clock.time(), self.targets)

    async def _around(self, case: CaseFile) -> view.Surroundings:
        context = case.context
        history = await self.reader.history(case.id)
        named = {context.merged_into, context.follows, case.id, *context.merged}
        named |= {str(row.data.get(name, "")) for row in history for name in ("into", "case", "follows")}
        return view.Surroundings(
            await self.reader.talks(context.conversations),
            await self.reader.case_notes([case.id, *context.merged]),
            history,
            await self.reader.numbers(sorted(named - {""})),
            await self._alike(case),
        )

    async def _alike(self, case: CaseFile) -> list[CaseFile]:
        if case.context.kind not in REPORTS:
            return []
        others = await self.reader.alike(case.context.kind, but=case.id, at_most=COMPARED)
        mine = duplicates.words(case.context.title, case.context.summary)
        theirs = {n: duplicates.words(o.context.title, o.context.summary) for n, o in enumerate(others)}
        return [others[n] for n in duplicates.likely(mine, theirs)]

    # --- commands

    async def open(
        self, agent: Agent, minted: str, member: str, kind: str, texts: Mapping[str, str], follows: int
    ) -> CaseReply:
        """For a member who is known. `follows`: the number of a case of theirs that this one goes on with; 0: none."""
        with readable():
            if await self.reader.member(member) is None:
                return _refusal("unknown_member")
            earlier = await self.reader.case_file(follows) if follows else None
        if follows and (earlier is None or earlier.member != member):
            return _refusal("unknown_follows")
        command = Command(member, "", agent, minted, self.clock.now())
        event = command.open(kind, texts["title"], texts["summary"], earlier.id if earlier else "")
        return await self._take(event, None)

    async def note(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply:
        return await self._do(number, agent, minted, lambda command: command.note(body))

    async def edit(self, number: int, agent: Agent, minted: str, changes: Mapping[str, Any]) -> CaseReply:
        return await self._do(number, agent, minted, lambda command: command.edit(changes))

    async def assign(self, number: int, agent: Agent, minted: str, to: str) -> CaseReply:
        return await self._do(number, agent, minted, lambda command: command.assign(to))

    async def ask(self, number: int, agent: Agent, minted: str) -> CaseReply:
        return await self._do(number, agent, minted, Command.ask)

    async def resolve(self, number: int, agent: Agent, minted: str, reason: str) -> CaseReply:
        return await self._do(number, agent, minted, lambda command: command.resolve(reason))

    async def reopen(self, number: int, agent: Agent, minted: str) -> CaseReply:
        return await self._do(number, agent, minted, Command.reopen)

    async def merge(self, number: int, agent: Agent, minted: str, into: int) -> CaseReply:
        with readable():
            survivor = await self.reader.case_file(into)
        if survivor is None:
            return _refusal("unknown_into")
        return await self._do(number, agent, minted, lambda command: command.merge(survivor.id))

    async def contact(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply:
        return await self._do(
            number, agent, minted, lambda command: command.contact(body, present=self.present)
        )

    # --- parts

    async def _do(
        self, number: int, agent: Agent, minted: str, state: Callable[[Command], Event]
    ) -> CaseReply:
        with readable():
            case = await self.reader.case_file(number)
        if case is None:
            return _refusal("unknown")
        return await self._take(state(Command(case.member, case.id, agent, minted, self.clock.now())), case)

    async def _take(self, event: Event, case: CaseFile | None) -> CaseReply:
        """State the fact, unless it is known, and say what came of it. `case` None: it opens one."""
        with readable():
            fact = await self.reader.fact(Source.PAGE, event.id)
        if fact is None:
            await self.submit([event])
            with readable():
                fact = await self.reader.fact(Source.PAGE, event.id)
        if fact is None or fact.outcome == Outcome.FAILED:
            return await self._reply("failed", case, fact)
        if not _is_same(fact, event):
            return await self._reply("id_used", case, None)
        if fact.outcome in _DONE:
            return await self._reply("", case, fact)
        return await self._reply(_ERRORS.get(fact.reason) or fact.state, case, fact)

    async def _reply(self, error: str, case: CaseFile | None, fact: FactRow | None) -> CaseReply:
        """The state that the command found or made; after a contact, of the conversation besides."""
        contacted = fact is not None and fact.trigger == "agent_contacts"
        with readable():
            case_id = case.id if case else fact.conversation if fact else ""
            now = await self.reader.case_of(case_id) if case_id else None
        state = fact.state if fact and not contacted else now.state if now else ""
        number = now.number if now else 0
        talk = fact.conversation if fact and contacted and not error else ""
        return CaseReply(error, DETAILS[error] if error else "", number, state, talk)


def _refusal(error: str) -> CaseReply:
    return CaseReply(error, DETAILS[error])


def _is_same(fact: FactRow, event: Event) -> bool:
    """Was this said before, word for word, of the same case by the same agent?"""
    of_case = event.to.case is None or event.trigger == "agent_contacts" or fact.conversation == event.to.case
    return (
        of_case
        and fact.trigger == event.trigger
        and all(fact.data.get(name) == event.data.get(name) for name in _SAME)
    )
