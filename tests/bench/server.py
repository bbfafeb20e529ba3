"""The process that is measured: the web application twice, once with the store behind it and once with nothing.

`python -m tests.bench.server FOLDER MEMBERS` prints one line of JSON about itself and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from machines.events import Event
from orchestrator.clock import SystemClock
from orchestrator.engine.commit import Committer, ignore
from orchestrator.twilio import intake
from storage.values import Receipt
from tests.bench.talks import ACCOUNT, Voices, new_store, populate
from web.app import Server, create, serve
from web.services import Services

PUBLIC_URL = "https://help.example.org"
TOKEN = "token-of-the-account"


async def main(folder: Path, members: int) -> None:
    store = new_store(folder / "webhooks.db")
    talks = populate(store, Voices(), members)
    committer = Committer(store, SystemClock(), ignore)
    committer.start()
    durable, bare = await _serve(committer.submit), await _serve(_at_once)
    about = {"durable": durable.port, "bare": bare.port, "talks": [asdict(talk) for talk in talks]}
    print(json.dumps(about), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await durable.close()
    await bare.close()
    await committer.close()


async def _serve(submit: Callable[[Sequence[Event]], Awaitable[Sequence[Receipt]]]) -> Server:
    clock = SystemClock()
    services = Services(
        public_url=PUBLIC_URL,
        account_sid=ACCOUNT,
        auth_tokens=(TOKEN,),
        submit=submit,
        is_ours=_never,
        conversations=_conversations,
        interactions=lambda fields, _, at: intake.interactions(fields, at, str),
        health=dict,
        ready=_ready,
        now=clock.now,
    )
    return await serve(create(services), "127.0.0.1", 0)


def _conversations(fields: Mapping[str, str], query: Mapping[str, str], at: datetime) -> tuple[Event, ...]:
    return intake.conversations(fields, intake.Mark.read(query), at, str)


async def _at_once(events: Sequence[Event]) -> list[Receipt]:
    return [Receipt(None) for _ in events]


async def _never(_kind: str, _ref: str) -> bool:
    return False


async def _ready() -> tuple[bool, Mapping[str, Any]]:
    return True, {}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
