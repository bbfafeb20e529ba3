"""Commands that run something. One clear line and a hint when it cannot be; a traceback only with `--debug`."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer

from orchestrator.cli import look
from orchestrator.cli.operate import dead
from orchestrator.errors import Fatal

app = typer.Typer(
    name="orchestrator",
    help="Conversations between Discord direct messages and a Twilio Flex contact centre.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
db = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(dead, name="dead")
app.command()(look.stats)

_debug = False


@app.callback()
def options(debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False) -> None:
    global _debug  # noqa: PLW0603 - the one place where a command line option outlives its function
    _debug = debug


@app.command()
def serve() -> None:
    """Run the service until it is told to stop."""
    from orchestrator import logs, settings

    found = settings.load()
    logs.configure(found.log_level)
    from orchestrator.app import Service  # takes a second, which who has misspelt a setting need not wait

    asyncio.run(Service(found).run())


@app.command()
def provision(
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, do nothing.")] = False,
) -> None:
    """Register slash commands and callbacks with Discord and Twilio."""
    from orchestrator import settings

    found = settings.load()
    from orchestrator.setup.provision import provision as run

    asyncio.run(run(found, typer.echo, dry_run=dry_run))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 3900,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """A local Discord and a local Twilio, for trying out and for tests."""
    asyncio.run(_sandbox(host, port))


async def _sandbox(host: str, port: int) -> None:
    import signal

    from orchestrator.errors import TryLater
    from orchestrator.sandbox.server import start

    try:
        running = await start(host, port)
    except OSError as error:
        raise TryLater(f"cannot listen on {host}:{port} ({error.strerror})", "use --port") from error
    typer.echo(f"sandbox at {running.url}; settings: {running.url}/control/account?format=env")
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    await running.close()


@app.command()
def demo(
    script: Annotated[
        bool, typer.Option("--script", help="Play the story without a page and check it.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 3800,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Everything on this machine, without credentials: talk to yourself as member and agent."""
    from orchestrator.demo import run_page, run_story

    raise typer.Exit(run_story() if script else run_page(port, open_browser))


@app.command()
def diagram(
    machine: Annotated[str, typer.Argument(help="conversation or case")],
    format_: Annotated[str, typer.Option("--format", help="mermaid")] = "mermaid",
) -> None:
    """Draw a machine from its table."""
    from diagrams import render

    try:
        typer.echo(render(machine, format_))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@db.command()
def upgrade() -> None:
    """Bring the database to this program's schema."""
    from orchestrator import settings
    from orchestrator.engine.database import opened

    with opened(settings.load().database) as (before, after):
        typer.echo(f"schema {after}" + ("" if before == after else f" (was {before or 'empty'})"))


def main(args: list[str] | None = None) -> Any:
    """The entry point. Exits with the code of the error, see orchestrator.errors."""
    try:
        app(args)
    except Fatal as error:
        if _debug:
            raise
        typer.echo(f"orchestrator: {error}", err=True)
        sys.exit(error.exit_code)
