"""The service in one loop, wired as `orchestrator.app` wires it, but for sockets and threads.

Base of every suite that needs thousands of lives: a `World` outlives its houses, a house is one life of the
service over a database, and `Hooks` say what goes wrong, where it crashes and who goes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from itertools import count
from random import Random
from typing import Any

from machines.effects import Kind
from machines.events import Event
from machines.hours import ALWAYS, Hours
from machines.sla import Targets
from machines.snapshot import DEFAULT_LIMITS, Limits
from orchestrator.cases.counter import CaseCounter
from orchestrator.chatbot.answer import Chatbot
from orchestrator.chatbot.ask import Asker
from orchestrator.chatbot.builtin import BuiltinChatbot
from orchestrator.clock import Clock
from orchestrator.desk.builtin import LINK as BUILTIN_LINK
from orchestrator.desk.builtin import BuiltinDesk, nothing_missed
from orchestrator.desk.counter import Counter
from orchestrator.desk.moved import give_up
from orchestrator.discord import events as discord_events
from orchestrator.discord import forms as discord_forms
from orchestrator.discord import limits as discord_limits
from orchestrator.discord.backfill import DmBackfill
from orchestrator.discord.intake import Intake
from orchestrator.discord.live import Live as DmLive
from orchestrator.discord.live import Positions as DmPositions
from orchestrator.discord.send import Sender
from orchestrator.engine.commit import Committer
from orchestrator.engine.dispatch import Dispatcher
from orchestrator.engine.letters import Operator
from orchestrator.engine.reconcile import Reconciler, adopt
from orchestrator.engine.reconcile import Source as Side
from orchestrator.engine.timers import Rows, Timers
from orchestrator.errors import Unavailable
from orchestrator.inprocess.discord import InProcessDiscord
from orchestrator.inprocess.gateway import InProcessGateway
from orchestrator.inprocess.twilio import InProcessTwilio
from orchestrator.knowledge.folder import load as load_articles
from orchestrator.knowledge.folder import sample_folder
from orchestrator.ports import Desk, Done, Handler, Job
from orchestrator.texts.plain import storable
from orchestrator.twilio import intake as twilio_intake
from orchestrator.twilio import limits as twilio_limits
from orchestrator.twilio.backfill import DeskBackfill
from orchestrator.twilio.desk import FlexDesk
from orchestrator.twilio.live import Live, Positions
from orchestrator.webhooks import sign
from orchestrator.webhooks.cases import CaseWebhook, unset
from storage.marks import drop_parked, mark_desks, mark_dms
from storage.reads.cases import CaseReader
from storage.reads.desk import FLEX_LINK, DeskReader
from storage.reads.reader import Reader
from storage.reads.webhook import WebhookReader
from storage.values import Applied, Receipt
from tests.english import ENGLISH
from tests.inprocess.crm import SECRET, InProcessOutbound
from tests.inprocess.inline import MarkedStore, inline_reader, quick_writer
from tests.inprocess.world import PUBLIC_URL, World

#: A webhook waits this long for the reading-up of the start. Seconds.
WEBHOOK_PATIENCE_S = 4.0
PARKED_EVERY_S = 60.0


@cache
def chatbot() -> BuiltinChatbot:
    """Made once: it holds no state of a story."""
    return BuiltinChatbot(load_articles(sample_folder()))


class House:
    """One life of the service. `start`, then either `stop` or `kill`."""

    def __init__(
        self,
        world: World,
        url: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        hours: Hours = ALWAYS,
        clock: Clock | None = None,
        watched: bool = True,
        bot: Chatbot | None = None,
    ) -> None:
        """Not `watched`: nobody looks for an operator's requests; call `operator.see_to_all`."""
        self.world = world
        self._watched = watched
        self.clock = clock or world.time
        self.alerts: list[str] = []  #: what the operator was told
        self._limits = limits
        self._names = count(1)
        self._read_up = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], None] = {}
        clock, hooks = self.clock, world.hooks
        life = Random(f"{world.seed}/{world.time.passed}")  # ids and names of two lives differ
        self._life = f"{life.getrandbits(64):016x}"
        self.engine = quick_writer(url)
        self._inline = inline_reader(url)
        self._dispose()  # a life that crashed left its connections behind
        self.reader = Reader(self._inline.as_asynchronous())
        self._desk_reader = DeskReader(self._inline.as_asynchronous())
        self.store = MarkedStore(
            self.engine,
            limits=limits,
            hours=hours,
            fresh_id=lambda: f"{life.getrandbits(128):032x}",
            case_webhook=world.followed,
        )
        self.store.point = hooks.pass_by
        self.committer = Committer(self.store, clock, self._applied, self._unknown)
        self.discord = InProcessDiscord(world.discord_rest, discord_limits, storable, hooks.line("discord"))
        desk, missed = self._builtin() if world.desk == "builtin" else self._flex()
        cases = CaseReader(self._inline.as_asynchronous())
        builtin = world.desk == "builtin"
        self.cases = CaseCounter(cases, self._submit_desk, clock, Targets(), present=builtin)
        self.dispatcher = Dispatcher(
            {
                **Sender(self.discord, self.reader, clock).handlers(),
                **desk.handlers(),
                **Asker(bot or chatbot(), self.reader).handlers(),
                **(self._case_webhook() if world.followed else unset()),
                Kind.ALERT: self._alert,
            },
            self.reader,
            self.committer.finish,
            clock,
            life.random,
        )
        self.timers = Timers(
            self.reader,
            self.committer.submit,
            clock,
            self._hearing,
            Rows(self.committer.run, self.engine, limits, clock, then=self.dispatcher.distrust),
        )
        heard = DmPositions()
        dms = DmBackfill(self.discord, self.reader, clock, self._mark_dms, heard)
        self.reconciler = Reconciler(
            dms.read,
            missed,
            self.committer.submit,
            clock,
            quiet=dms.quiet,
            adopt=partial(adopt, self.reader, self.dispatcher.settle),
        )
        self.operator = Operator(
            self.reader,
            self.engine,
            self.committer.run,
            self.committer.submit,
            clock,
            lambda letter: self.dispatcher.retry(letter.lane, letter.key, letter.since),
        )
        live = DmLive(self.committer.submit, dms.read_one, clock, heard)
        self.intake = Intake(self.committer.submit, clock, live)
        self.gateway = InProcessGateway(
            world.discord,
            self.discord,
            discord_events,
            discord_forms,
            self.intake,
            clock,
            codes=discord_limits,
            clean=storable,
            fresh=self._fresh,
            on_ready=lambda: self._spawn(self._became_ready()),
        )

    def _flex(self) -> tuple[Desk, Side]:
        account, positions = self.world.account, Positions()
        twilio = InProcessTwilio(
            self.world.twilio_rest,
            account["TWILIO_ACCOUNT_SID"],
            twilio_limits,
            self.world.hooks.line("twilio"),
        )
        twilio.posted = positions.account
        self.twilio = twilio
        desk = FlexDesk(
            twilio,
            self.reader,
            self.clock,
            public_url=PUBLIC_URL,
            workspace=account["TWILIO_WORKSPACE_SID"],
            workflow=account["TWILIO_WORKFLOW_SID"],
            words=ENGLISH,
        )
        desks = DeskBackfill(
            twilio,
            self.reader,
            self.clock,
            self._mark_desks,
            positions=positions,
            workspace=account["TWILIO_WORKSPACE_SID"],
        )
        self.live = Live(self.committer.submit, desks.read_one, positions)
        return desk, desks.read

    def _case_webhook(self) -> dict[str, Handler]:
        outbound = InProcessOutbound(self.world.crm_takes, self.world.hooks.line("crm"))
        reader = WebhookReader(self._inline.as_asynchronous())
        return CaseWebhook(outbound, reader, self.clock, sign.key(SECRET)).handlers()

    def _builtin(self) -> tuple[Desk, Side]:
        self.counter = Counter(self._desk_reader, self._submit_desk, self.clock, ENGLISH, self.discord.typing)
        return BuiltinDesk(), nothing_missed

    async def start(self) -> None:
        """Returns when both sides were read."""
        await self.open()
        await self.gateway.connect()
        await self._read_up.wait()

    @property
    def has_read_up(self) -> bool:
        """Whether both sides were read once."""
        return self._read_up.is_set()

    async def open(self) -> None:
        """Ready for webhooks, and for whatever the gateway says once it is connected."""
        self.committer.start()
        kind = BUILTIN_LINK if self.world.desk == "flex" else FLEX_LINK
        await give_up(await self._desk_reader.live_with(kind), self._record, self.clock)
        await self.dispatcher.start()
        self.intake.start()
        self.world.serving = self
        self._spawn(self.gateway.run())

    async def _record(self, events: Sequence[Event]) -> Sequence[Receipt]:
        return self.store.apply(events, self.clock.time()).receipts

    async def stop(self) -> None:
        """In order: what is in flight ends, what waits is committed."""
        self.gateway.close()
        self.world.serving = None
        await self.reconciler.stop()
        await self.intake.stop()
        await self.timers.stop()
        await self.dispatcher.stop()
        await self._end_tasks()
        await self.committer.close()
        self._dispose()

    async def kill(self) -> None:
        """Nothing of it can tidy up: no call is finished, no result stored, no session ended politely."""
        self.world.serving = None
        commits = self.committer._task
        if commits is not None:
            commits.cancel()
            await asyncio.gather(commits, return_exceptions=True)
        self.gateway.close()
        for part in (self.timers.stop(), self.reconciler.stop(), self.dispatcher.stop(grace=0.0)):
            await part
        await self.intake.stop()
        await self._end_tasks()
        self._dispose()

    # --- as the providers meet it

    def hear(self) -> None:
        self.gateway.news()

    async def _submit_desk(self, events: Sequence[Event]) -> list[Receipt]:
        try:
            async with asyncio.timeout(WEBHOOK_PATIENCE_S):
                await self._read_up.wait()
        except TimeoutError:
            raise Unavailable("what came before is still being read") from None
        return await self.committer.submit(events)

    async def take(self, path: str, fields: Mapping[str, str], query: Mapping[str, str]) -> int:
        """A webhook, past the signature gate. The status it is answered with."""
        now = self.clock.now()
        try:
            if path.endswith("/conversations"):
                mark = twilio_intake.Mark.read(query)
                events = twilio_intake.conversations(fields, mark, now, self._fresh)
            else:
                events = twilio_intake.interactions(fields, now, self._fresh)
        except twilio_intake.BadField:
            return 400
        ours = [event for event in events if await self._is_ours(event)]
        try:
            async with asyncio.timeout(WEBHOOK_PATIENCE_S):
                await self._read_up.wait()
                await self.live.take(ours)
        except (TimeoutError, Unavailable):
            self.reconciler.prompt()
            return 503
        return 204

    async def _is_ours(self, event: Event) -> bool:
        if event.to.conversation is not None:
            return True
        return event.to.link is not None and await self.reader.knows(*event.to.link)

    # --- parts

    async def _became_ready(self) -> None:
        """Every READY: what was missed on both sides goes in before anything live."""
        await self.reconciler.both()
        if not self._read_up.is_set():
            self.timers.start()
            self.reconciler.start()
            self._spawn(self._sweep_parked())
            if self._watched:
                self._spawn(self.operator.watch())
            self._read_up.set()
        self.intake.release()

    def _hearing(self) -> bool:
        return self._read_up.is_set() and self.gateway.connected and not self.reconciler.behind

    async def _sweep_parked(self) -> None:
        while True:
            await self.clock.sleep(PARKED_EVERY_S)
            await self.committer.run(partial(drop_parked, self.engine, self.clock.time()))

    def _applied(self, applied: Applied) -> None:
        self.dispatcher.accept(applied.effects, applied.voided)
        self.timers.accept(applied.timers)

    def _unknown(self) -> None:
        self.dispatcher.distrust()

    async def _alert(self, job: Job) -> Done:
        self.alerts.append(str(job.effect.payload["text"]))
        return Done()

    async def _mark_dms(self, positions: dict[str, str]) -> None:
        await self.committer.run(partial(mark_dms, self.engine, positions))

    async def _mark_desks(self, read: Sequence[tuple[str, int, bool]]) -> None:
        await self.committer.run(partial(mark_desks, self.engine, read))

    def _fresh(self) -> str:
        return f"{self._life}-{next(self._names)}"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _dispose(self) -> None:
        self.engine.dispose()
        self._inline.dispose()


@asynccontextmanager
async def living(
    world: World, url: str, *, limits: Limits = DEFAULT_LIMITS, hours: Hours = ALWAYS
) -> AsyncIterator[House]:
    """A house that runs until the block is left."""
    house = House(world, url, limits=limits, hours=hours)
    await house.start()
    try:
        yield house
    finally:
        if world.serving is house:
            await house.stop()
