"""The wiring: everything is made, joined, started and stopped here, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from machines.effects import Kind
from machines.events import Event
from machines.hours import Hours
from orchestrator.cases.counter import CaseCounter
from orchestrator.chatbot.ask import Asker
from orchestrator.chatbot.builtin import BuiltinChatbot
from orchestrator.clock import Clock, SystemClock
from orchestrator.desk.builtin import LINK as BUILTIN_LINK
from orchestrator.desk.counter import Counter
from orchestrator.desk.moved import give_up
from orchestrator.discord.backfill import DmBackfill
from orchestrator.discord.client import Supervisor, redirect
from orchestrator.discord.intake import Intake
from orchestrator.discord.live import Live as DmLive
from orchestrator.discord.live import Positions as DmPositions
from orchestrator.discord.rest import DiscordRest
from orchestrator.discord.send import Sender
from orchestrator.engine.commit import Committer
from orchestrator.engine.database import opened
from orchestrator.engine.dispatch import Dispatcher
from orchestrator.engine.letters import Operator
from orchestrator.engine.reconcile import Reconciler, adopt
from orchestrator.engine.timers import Rows, Timers
from orchestrator.errors import ConfigurationError, TryLater, Unavailable
from orchestrator.health import Health, Reach, watch
from orchestrator.knowledge.article import ArticleError
from orchestrator.knowledge.folder import load as load_articles
from orchestrator.knowledge.folder import sample_folder
from orchestrator.ports import Done, Handler, Job
from orchestrator.readable import readable
from orchestrator.settings import Settings
from orchestrator.sides import Side, builtin_side, flex_side
from orchestrator.texts.say import words
from orchestrator.webhooks import sign
from orchestrator.webhooks.cases import CaseWebhook, unset
from orchestrator.webhooks.post import HttpOutbound
from storage.apply import Store
from storage.engines import database_file, reader, sqlite_reader, writer
from storage.fit import misfits
from storage.marks import drop_parked, mark_desks, mark_dms
from storage.reads.cases import CaseReader
from storage.reads.desk import FLEX_LINK, DeskReader
from storage.reads.reader import Reader
from storage.reads.statistics import StatisticsReader
from storage.reads.thread import ReadThread
from storage.reads.webhook import WebhookReader
from storage.values import Applied, Receipt
from web.app import create
from web.app import serve as serve_web
from web.services import Services

log = logging.getLogger(__name__)

#: A webhook waits this long for what stands before it to be read; its sender gives up after 5 s.
WEBHOOK_PATIENCE_S = 4.0
#: How often events that were parked for too long are looked for.
PARKED_EVERY_S = 60.0


class Service:
    """The running service. `run()` returns when it was told to stop, and raises what no restart would mend."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._read_up = asyncio.Event()  # both sides were read once
        self._stop = asyncio.Event()
        self._stack = AsyncExitStack()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        try:
            async with self._stack:
                await self._start()
                await self._until_stopped()
        finally:
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(name)

    # --- making

    async def _start(self) -> None:
        settings = self.settings
        settings.require("discord_token")
        if settings.desk_kind == "flex":
            settings.require("twilio_account_sid", "twilio_auth_token", "public_url")
        articles = self._articles()
        self._open_database()
        redirect(settings.discord_api_url, settings.discord_gateway_url)
        self.engine = writer(settings.database)
        self._stack.callback(self.engine.dispose)
        if misfits_found := misfits(self.engine):
            raise ConfigurationError(
                f"the database holds {misfits_found[0]}", "run the program that wrote it, or a newer one"
            )
        database = settings.database
        if database_file(database):
            reads: AsyncEngine | ReadThread = ReadThread(sqlite_reader(database))
        else:
            reads = reader(database)
        self._stack.push_async_callback(reads.dispose)
        self.reader = Reader(reads)
        counting = reader(database)  # of its own: nothing that is relayed waits for a count
        self._stack.push_async_callback(counting.dispose)
        self.figures = StatisticsReader(counting, settings.zone)
        self.store = Store(
            self.engine,
            limits=settings.limits,
            hours=self._hours(),
            wait_days=settings.wait_days,
            case_webhook=bool(settings.case_webhook_url),
        )
        self.committer = Committer(self.store, self.clock, self._applied, self._unknown)
        discord = Reach("discord", self.clock)
        self.rest = DiscordRest(discord.told)
        self.side = await self._desk_side()
        for close in self.side.closing:
            self._stack.push_async_callback(close)
        self.dispatcher = Dispatcher(
            {
                **self._sender().handlers(),
                **self.side.desk.handlers(),
                **Asker(BuiltinChatbot(articles), self.reader).handlers(),
                **self._case_webhook(),
                Kind.ALERT: _alert,
            },
            self.reader,
            self.committer.finish,
            self.clock,
            random.random,
        )
        self.timers = Timers(
            self.reader,
            self.committer.submit,
            self.clock,
            self._hearing,
            Rows(self.committer.run, self.engine, settings.limits, self.clock, then=self.dispatcher.distrust),
        )
        heard = DmPositions()
        dms = DmBackfill(self.rest, self.reader, self.clock, self._mark_dms, heard)
        self.reconciler = Reconciler(
            dms.read,
            self.side.read,
            self.committer.submit,
            self.clock,
            quiet=dms.quiet,
            adopt=partial(adopt, self.reader, self.dispatcher.settle),
        )
        self.operator = Operator(
            self.reader,
            self.engine,
            self.committer.run,
            self.committer.submit,
            self.clock,
            lambda letter: self.dispatcher.retry(letter.lane, letter.key, letter.since),
        )
        live = DmLive(self.committer.submit, dms.read_one, self.clock, heard)
        self.intake = Intake(self.committer.submit, self.clock, live)
        self.supervisor = Supervisor(
            settings.discord_token.get_secret_value(),
            self.intake,
            self.rest,
            self.clock,
            on_ready=self._on_ready,
        )
        self.health = Health(
            self.reader,
            self.clock,
            discord,
            self.side.reach,
            connected=lambda: self.supervisor.connected,
            read_up=self._read_up.is_set,
            busy_lanes=lambda: self.dispatcher.busy,
        )
        self.committer.start()
        self._stack.push_async_callback(self.committer.close)
        await self._leave_other_desk()
        await self.dispatcher.start()
        self._stack.push_async_callback(self.dispatcher.stop)
        self._stack.push_async_callback(self.timers.stop)
        self._stack.push_async_callback(self.intake.stop)
        self._stack.push_async_callback(self.reconciler.stop)
        self._stack.push_async_callback(self.supervisor.close)
        self.intake.start()
        await self._listen()

    async def _leave_other_desk(self) -> None:
        """Not because a variable was forgotten: who changes the desk says so."""
        kind = BUILTIN_LINK if self.settings.desk_kind == "flex" else FLEX_LINK
        rows = await DeskReader(self.reader.engine).live_with(kind)
        if rows and not self.settings.desk:
            raise ConfigurationError(
                f"{len(rows)} request{'s' * (len(rows) > 1)} of members stand at the other desk",
                "set DESK to say where agents work now; what stands at the other desk is given up then",
            )
        # whoever waits goes first: a talk that is handed on then stands at the front of the line
        await give_up(sorted(rows, key=lambda row: bool(row.agents)), self._record, self.clock)

    async def _record(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Nothing is handed over: what follows is found in the outbox."""
        applied = await self.committer.run(partial(self.store.apply, events, self.clock.time()))
        return applied.receipts

    def _sender(self) -> Sender:
        settings = self.settings
        return Sender(
            self.rest,
            self.reader,
            self.clock,
            settings.default_locale,
            settings.agent_names,
            privacy_url=settings.privacy_url,
        )

    def _case_webhook(self) -> dict[str, Handler]:
        settings = self.settings
        if not settings.case_webhook_url:
            return unset()
        outbound = HttpOutbound(settings.case_webhook_url)
        self._stack.push_async_callback(outbound.close)
        key = sign.key(settings.case_webhook_secret.get_secret_value())
        return CaseWebhook(outbound, WebhookReader(self.reader.engine), self.clock, key).handlers()

    async def _desk_side(self) -> Side:
        if self.settings.desk_kind == "builtin":
            return builtin_side(DeskReader(self.reader.engine))
        return await flex_side(
            self.settings, self.reader, self.clock, self.committer.submit, self._mark_desks
        )

    def _articles(self) -> Any:
        try:
            return load_articles(self.settings.knowledge_dir or sample_folder())
        except ArticleError as error:
            raise ConfigurationError(
                str(error), "mend the article, or point KNOWLEDGE_DIR elsewhere"
            ) from error

    def _hours(self) -> Hours:
        """Hours that never come may be meant: members can leave a message all the same."""
        hours = self.settings.hours
        if hours.opens_at(self.clock.now()) is None:
            log.warning(
                "nobody is ever there by OPENING_HOURS; members can only leave a message",
                extra={"text": self.settings.opening_hours},
            )
        return hours

    def _open_database(self) -> None:
        before, after = self._stack.enter_context(opened(self.settings.database))
        if before != after:
            log.info("database upgraded", extra={"text": f"{before or 'empty'} -> {after}"})

    async def _listen(self) -> None:
        settings = self.settings
        side = self.side
        services = Services(
            public_url=settings.public_url,
            account_sid=side.account_sid,
            auth_tokens=side.auth_tokens,
            submit=self._submit_webhook,
            is_ours=self._is_ours,
            health=self.health.alive,
            ready=self.health.ready,
            now=self.clock.now,
            conversations=side.conversations,
            interactions=side.interactions,
            desk=self._counter(),
            cases=self._cases(),
            desk_token=settings.desk_token.get_secret_value(),
            figures=self.figures,
            metrics_token=settings.metrics_token.get_secret_value(),
        )
        try:
            server = await serve_web(create(services), settings.host, settings.port)
        except OSError as error:
            raise TryLater(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror})",
                "set PORT to another one",
            ) from error
        self._stack.push_async_callback(server.close)
        log.info("listening", extra={"text": server.url})

    # --- running

    async def _until_stopped(self) -> None:
        self.timers.start()
        pings: list[tuple[Reach, Callable[[], Awaitable[None]]]] = [(self.health.discord, self.rest.ping)]
        if self.health.desk and self.side.ping:
            pings.append((self.health.desk, self.side.ping))
        tasks = {
            asyncio.create_task(self.supervisor.run(), name="discord"),
            asyncio.create_task(self.operator.watch(), name="operator"),
            asyncio.create_task(self._sweep_parked(), name="parked"),
            asyncio.create_task(watch(self.clock, *pings), name="health"),
            asyncio.create_task(self._stop.wait(), name="stop"),
        }
        try:
            while not self._stop.is_set():
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    tasks.discard(task)
                    task.result()  # raises what the supervisor cannot mend
        finally:
            # what was heard is stored and what is in flight lands while the lines to both providers are up
            await self.intake.stop()
            await self.dispatcher.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _on_ready(self) -> None:
        """Every READY: what was missed on both sides goes in before anything live."""
        await self.reconciler.both()
        if not self._read_up.is_set():
            self._read_up.set()
            self.reconciler.start()
            log.info("ready")

    def _hearing(self) -> bool:
        """Is everything that members and agents said known here?"""
        return self._read_up.is_set() and self.supervisor.connected and not self.reconciler.behind

    async def _sweep_parked(self) -> None:
        while True:
            await self.clock.sleep(PARKED_EVERY_S)
            try:
                await self.committer.run(partial(drop_parked, self.engine, self.clock.time()))
            except Exception as error:
                log.warning("parked events not swept", extra={"error": type(error).__name__})

    def _applied(self, applied: Applied) -> None:
        self.dispatcher.accept(applied.effects, applied.voided)
        self.timers.accept(applied.timers)

    def _unknown(self) -> None:
        self.dispatcher.distrust()

    def _counter(self) -> Counter | None:
        if self.side.reader is None:
            return None
        locale = self.settings.default_locale
        return Counter(self.side.reader, self._submit_desk, self.clock, words(locale), self.rest.typing)

    def _cases(self) -> CaseCounter:
        reader, targets = CaseReader(self.reader.engine), self.settings.targets
        builtin = self.side.reader is not None
        return CaseCounter(reader, self._submit_desk, self.clock, targets, present=builtin)

    async def _submit_desk(self, events: Sequence[Event]) -> list[Receipt]:
        """A command may not overtake what members did before it, and its agent waits no longer than a webhook."""
        try:
            async with asyncio.timeout(WEBHOOK_PATIENCE_S):
                await self._read_up.wait()
        except TimeoutError:
            raise Unavailable("what came before is still being read", retry_after=5) from None
        return await self.committer.submit(events)

    async def _submit_webhook(self, events: Sequence[Event]) -> list[Receipt]:
        """A webhook may not overtake what is being read up; one that cannot wait is read up itself."""
        try:
            async with asyncio.timeout(WEBHOOK_PATIENCE_S):
                await self._read_up.wait()
                return await self.side.take(events)
        except TimeoutError:
            self.reconciler.prompt()
            raise Unavailable("what came before is still being read", retry_after=5) from None
        except Exception:
            self.reconciler.prompt()
            raise

    async def _is_ours(self, kind: str, ref: str) -> bool:
        try:
            with readable():
                return await self.reader.knows(kind, ref)
        except Unavailable:
            self.reconciler.prompt()
            raise

    async def _mark_dms(self, positions: dict[str, str]) -> None:
        await self.committer.run(partial(mark_dms, self.engine, positions))

    async def _mark_desks(self, read: list[tuple[str, int, bool]]) -> None:
        await self.committer.run(partial(mark_desks, self.engine, read))


async def _alert(job: Job) -> Done:
    """The operator is told by the log."""
    payload = job.effect.payload
    log.error(
        "operator alert",
        extra={"text": payload["text"], "subject": job.effect.subject, "key": job.effect.key},
    )
    return Done()
