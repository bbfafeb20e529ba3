"""Processes of the service that need not import everything first: forked from one that has.

What is started is a process like any other: `python -m orchestrator` with arguments, an environment, a folder and
outputs of its own, which can be killed. `python -m tests.warm SOCKET` is the one that they are forked from; it ends
when its input does.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: How long it may take to import everything. Seconds.
TOO_LONG_S = 60.0
#: Arguments and environment of one process fit in. Bytes.
REQUEST_BYTES = 65_536
#: What is needed before it is forked.
IMPORTED = ("orchestrator.cli.run", "orchestrator.app", "orchestrator.setup.provision", "storage.upgrade")


@dataclass
class Process:
    """As much of `asyncio.subprocess.Process` as is asked for here."""

    pid: int
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None
    _answers: asyncio.StreamReader
    _connection: asyncio.StreamWriter
    returncode: int | None = None

    async def wait(self) -> int:
        if self.returncode is None:
            line = await self._answers.readline()
            if self.returncode is None:  # somebody else may have waited
                self.returncode = int(line)
                self._connection.close()
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """What is still to be read of both outputs, once it has ended."""
        assert self.stdout is not None
        assert self.stderr is not None
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def start(*args: str, env: Mapping[str, str], cwd: Path, log: int | None = None) -> Process:
    """`python -m orchestrator` with these arguments. Both outputs go to `log`, or are read from the process."""
    pipes = [] if log is not None else [os.pipe(), os.pipe()]
    outputs = [log, log] if log is not None else [write for _, write in pipes]
    request = json.dumps({"args": args, "env": dict(env), "cwd": str(cwd)}).encode()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(await asyncio.to_thread(_warm))
        socket.send_fds(asking, [request], [fd for fd in outputs if fd is not None])
        for _, write in pipes:
            os.close(write)
        asking.setblocking(False)
        answers, connection = await asyncio.open_unix_connection(sock=asking.dup())
    readers = [await _reader(read) for read, _ in pipes]
    out, err = readers or (None, None)
    return Process(int(await answers.readline()), out, err, answers, connection)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb"))
    return reader


@cache
def _warm() -> str:
    """The address of the one that is forked, which is started once for every process of the suite."""
    folder = tempfile.TemporaryDirectory()
    address = f"{folder.name}/warm"
    command = [sys.executable, "-m", "tests.warm", address]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[1])
    atexit.register(folder.cleanup)
    atexit.register(process.communicate)
    deadline = time.monotonic() + TOO_LONG_S
    while not Path(address).exists():
        assert process.poll() is None, "the process that is to be forked ended"
        assert time.monotonic() < deadline, "the process that is to be forked does not come"
        time.sleep(0.02)
    return address


# --- the other side


def main() -> None:
    for name in IMPORTED:
        __import__(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{sys.argv[1]}.soon")
    listener.listen()
    Path(f"{sys.argv[1]}.soon").rename(sys.argv[1])
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while not any(key.fileobj is sys.stdin for key, _ in selector.select()):
        connection, _ = listener.accept()
        if os.fork() == 0:
            selector.close()
            listener.close()
            return _tend(connection)
        connection.close()
    return None


def _tend(connection: socket.socket) -> None:
    """Start one, say which it is, and once it has ended how. Returns in the one that is started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, fds, _, _ = socket.recv_fds(connection, REQUEST_BYTES, 2)
    child = os.fork()
    if child == 0:
        connection.close()
        return _be(json.loads(request), fds)
    for fd in fds:
        os.close(fd)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _be(request: dict[str, Any], fds: list[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, fd in enumerate([nothing, *fds]):
        os.dup2(fd, target)
        os.close(fd)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    random.seed()
    sys.argv[1:] = request["args"]
    gc.unfreeze()
    runpy.run_module("orchestrator", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
