"""The demo: the whole service on one machine, with a local Discord and a local Twilio, without credentials."""

from __future__ import annotations

import asyncio
import signal
import sys
import webbrowser

from orchestrator.demo import story
from orchestrator.demo.parent import Parent


def run_story() -> int:
    """Play the headless story. 0 when every check holds, else 1; raises Fatal when the service does not start."""
    return asyncio.run(story.run())


def run_page(port: int, open_browser: bool) -> int:
    """Serve the demo page until Ctrl-C (or SIGTERM, SIGHUP), then return 0. Port 0 takes a free one. Raises Fatal."""
    return asyncio.run(_serve_page(port, open_browser))


async def _serve_page(port: int, open_browser: bool) -> int:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    starting = asyncio.create_task(_up(port))
    ending = asyncio.create_task(over.wait())
    await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait((starting,))
        return 0
    ending.cancel()
    parent = starting.result()
    try:
        sys.stdout.write(f"{parent.url}\n")
        sys.stdout.flush()
        if open_browser:
            await asyncio.to_thread(webbrowser.open, parent.url)
        await over.wait()
    finally:
        await parent.down()
    return 0


async def _up(port: int) -> Parent:
    parent = Parent(port)
    await parent.up()
    return parent
