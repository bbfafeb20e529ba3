"""A program that stands in for the service: `provision` ends at once, `serve` answers on PORT.

`/readyz` 200, `/inspect` what the proxy passed on, `/desk` a stream, `/cases` a redirect. The file `break` in DATA_DIR
names the command that is to fail.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from aiohttp import web


async def ready(request: web.Request) -> web.Response:
    return web.Response(text="ready")


async def shown(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.path_qs,
            "host": request.headers.get("Host"),
            "cookie": request.headers.get("Cookie"),
            "body": await request.text(),
            "environment": dict(os.environ),
        },
        headers={"X-Own": "kept"},
    )


async def pieces(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: one\n\n")
    await asyncio.sleep(3600)
    return response


async def elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("/desk")


def main(command: str) -> None:
    broken = Path(os.environ["DATA_DIR"]) / "break"
    print(f"{command} begins", flush=True)
    if broken.exists() and broken.read_text() == command:
        print("a setting is missing: PUBLIC_URL", flush=True)
        raise SystemExit(78)
    if command == "provision":
        return
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(os.environ["DATA_DIR"]) / "helper.pid").write_text(str(helper.pid))
    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_route("*", "/inspect{rest:.*}", shown)
    app.router.add_get("/desk", pieces)
    app.router.add_get("/cases", elsewhere)
    web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None, shutdown_timeout=0.1)


if __name__ == "__main__":
    main(sys.argv[1])
