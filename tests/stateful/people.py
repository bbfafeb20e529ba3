"""Steps of members and agents. Each is taken if there is anything to take it with; the providers may refuse it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.inprocess.world import Json
from tests.simulation.agents import AGENTS, Agent
from tests.simulation.people import FORMS, QUESTIONS, Person
from tests.stateful.street import Street

T = TypeVar("T")

#: Which of several: counted from the newest, round and round.
WHICH = st.integers(0, 3)
MEMBER = st.integers(0, 2)
AGENT = st.sampled_from(AGENTS)
#: How much somebody writes at once.
LINES = st.integers(1, 3)
#: Seconds that pass after a step. Never none: which of two edits is the later is known by their times alone.
THEN = st.sampled_from((2.0, 0.001, 0.3, 15.0))


def one(things: Sequence[T], which: int) -> T:
    return things[-1 - which % len(things)]


def _again(act: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        act()


class Steps(RuleBasedStateMachine):
    """What the steps of people and the steps of trouble have in common."""

    street: Street

    def take(self, step: Callable[[], Any], then: float) -> None:
        raise NotImplementedError


class Members(Steps):
    """What members do in Discord."""

    forms: list[tuple[Person, int]]  #: who pressed a button that opens one, and the press

    def person(self, member: int) -> Person:
        people = self.street.town.crowd.members
        return people[member % len(people)]

    @rule(member=MEMBER, what=st.sampled_from(("a question", "gibberish", "thanks")), lines=LINES, then=THEN)
    def a_member_writes(self, member: int, what: str, lines: int, then: float) -> None:
        """The bot knows an answer to every question, and none to gibberish."""
        person = self.person(member)
        write = {"a question": person.ask, "gibberish": person.babble, "thanks": person.thank}[what]
        self.take(lambda: _again(write, lines), then)

    @rule(member=MEMBER, then=THEN)
    def a_member_edits(self, member: int, then: float) -> None:
        self.take(self.person(member).edit, then)

    @rule(member=MEMBER, then=THEN)
    def a_member_deletes(self, member: int, then: float) -> None:
        self.take(self.person(member).unsend, then)

    @rule(member=MEMBER, asking=st.booleans(), then=THEN)
    def a_member_uses_helpme(self, member: int, asking: bool, then: float) -> None:
        person, crowd = self.person(member), self.street.town.crowd
        question = crowd.text(*QUESTIONS) if asking else ""
        self._attempt(person, "uses /helpme", lambda: person.member.helpme(question), then)

    @rule(member=MEMBER, which=WHICH, then=THEN)
    def a_member_reacts(self, member: int, which: int, then: float) -> None:
        person = self.person(member)
        if lines := person.member.dm():
            line = one(lines, which)["id"]
            self._attempt(person, "reacts", lambda: person.member.react(line, "👍"), then)

    @rule(member=MEMBER, which=WHICH, then=THEN)
    def a_member_presses(self, member: int, which: int, then: float) -> None:
        person = self.person(member)
        offered: list[tuple[Json, str]] = [
            (line, button["custom_id"]) for line in person.member.dm() for button in line["components"]
        ]
        if not offered:
            return
        line, custom_id = one(offered, which)
        action = custom_id.partition(":")[0]

        def press() -> int:
            interaction = person.member.press(custom_id, line)
            if action in FORMS:
                self.forms.append((person, interaction))
            return interaction

        self._attempt(person, f"presses {action}", press, then)

    @precondition(lambda self: self.forms)
    @rule(then=THEN)
    def a_member_fills_in_the_form(self, then: float) -> None:
        person, interaction = self.forms.pop()
        discord = self.street.town.world.discord
        begun = discord.interactions.get(interaction)
        if begun is not None and begun.modal:
            custom_id = begun.modal["custom_id"]
            fields = {"text": self.street.town.crowd.text("please call me", "well done")}
            submit = discord.members.submit
            self._attempt(person, "fills in", lambda: submit(person.member.name, custom_id, fields), then)

    @rule(member=MEMBER, then=THEN)
    def a_member_opens_or_shuts_dms(self, member: int, then: float) -> None:
        self.take(self.person(member).shut_or_open, then)

    def _attempt(self, person: Person, what: str, act: Callable[[], Any], then: float) -> None:
        self.take(lambda: self.street.town.crowd.attempt(person.member.name, what, act), then)


class Agents(Steps):
    """What agents do at their desk."""

    def _waits(self) -> Sequence[Any]:
        return self.street.town.floor.offered()

    def _talks(self) -> Sequence[tuple[Any, Agent[Any]]]:
        return self.street.town.floor.had()

    def _agent(self, name: str) -> Agent[Any]:
        return next(agent for agent in self.street.town.floor.agents if agent.name == name)

    def _with(self, which: int, act: Callable[[Agent[Any], Any], Any], then: float) -> None:
        """Whoever has it does something with it."""
        work, agent = one(self._talks(), which)
        self.take(lambda: act(agent, work), then)

    @precondition(_waits)
    @rule(agent=AGENT, which=WHICH, then=THEN)
    def an_agent_accepts(self, agent: str, which: int, then: float) -> None:
        work = one(self._waits(), which)
        self.take(lambda: self._agent(agent).take(work), then)

    @precondition(_waits)
    @rule(agent=AGENT, which=WHICH, then=THEN)
    def an_agent_rejects(self, agent: str, which: int, then: float) -> None:
        work = one(self._waits(), which)
        self.take(lambda: self._agent(agent).decline(work), then)

    @precondition(_talks)
    @rule(which=WHICH, lines=LINES, then=THEN)
    def an_agent_writes(self, which: int, lines: int, then: float) -> None:
        self._with(which, lambda agent, work: _again(lambda: agent.write(work), lines), then)

    @precondition(_talks)
    @rule(which=WHICH, then=THEN)
    def an_agent_edits(self, which: int, then: float) -> None:
        self._with(which, lambda agent, work: agent.edit(work), then)

    @precondition(_talks)
    @rule(which=WHICH, then=THEN)
    def an_agent_deletes(self, which: int, then: float) -> None:
        self._with(which, lambda agent, work: agent.unsend(work), then)

    @precondition(_talks)
    @rule(which=WHICH, then=THEN)
    def an_agent_leaves(self, which: int, then: float) -> None:
        self._with(which, lambda agent, work: agent.leave(work), then)

    @precondition(_talks)
    @rule(which=WHICH, then=THEN)
    def an_agent_hands_over(self, which: int, then: float) -> None:
        self._with(which, lambda agent, work: agent.hand_over(work), then)

    @precondition(_talks)
    @rule(which=WHICH, then=THEN)
    def an_agent_completes(self, which: int, then: float) -> None:
        self._with(which, lambda agent, work: agent.complete(work), then)
