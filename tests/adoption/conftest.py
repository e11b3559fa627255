"""The service of docs/adopting.md at each of its stages, as a process: a real feed, a real Valkey, real files."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import STDOUT
from typing import NamedTuple

import anyio
import pytest
import redis

from services.shared import redis_clients
from services.shared.embedded import open_embedded_buses
from services.shared.truth import (
    AccessPoint,
    AccessPoints,
    Bus,
    Component,
    Heartbeat,
    Meta,
    build_truth,
    publish_truth,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "adopting.md").read_text()
PATH = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


class Block(NamedTuple):
    """A program of the page: the file that it is, by its first line, and the file's text."""

    file: str
    text: str


class Stage(NamedTuple):
    """The programs of the page up to some place, and the log lines that the page shows behind it."""

    programs: tuple[Block, ...]
    log: tuple[str, ...]


def programs(page=PAGE):
    found = re.findall(r"```python\n(# (\S+)\n.*?)```", page, re.DOTALL)
    return tuple(Block(file, text) for text, file in found)


def logs(page=PAGE):
    return tuple(re.findall(r"```\n(.*?)```", re.sub(r"```python\n.*?```", "", page, flags=re.DOTALL), re.DOTALL))


def stage(number_of_programs, number_of_logs):
    log = logs()[number_of_logs - 1] if number_of_logs else ""
    return Stage(programs()[:number_of_programs], tuple(log.splitlines()))


STAGES = {
    "1": stage(2, 1),
    "2, halfway": stage(4, 2),
    "2": stage(6, 0),
    "3": stage(8, 3),
}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def system():
    async with open_embedded_buses(["system"]) as buses:
        yield buses["system"]


class Feed:
    """Sends each one who connects a price for each symbol that it asks for: how many have asked so far.

    A connection counts from what it asks for: closed before that, with something unread, it would be reset.

    Attributes:
        sessions: how many have asked so far.
        port: where it listens.
    """

    def __init__(self):
        self.sessions = self.port = 0
        self._server = None
        self._open = set()

    @property
    def connected(self):
        """How many are connected now."""
        return len(self._open)

    async def listen(self):
        """Listen, on the port of the last time if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        try:
            asked = (await reader.readline()).decode().split()
            self.sessions += 1
            self._open.add(writer)
            writer.write("".join(f"{symbol} {self.sessions}\n" for symbol in asked).encode())
            await reader.read()
        except ConnectionError:
            pass  # they went without a word
        finally:
            self._open.discard(writer)
            writer.close()

    def close_all(self):
        """Close all connections; new ones are welcome."""
        for writer in self._open:
            writer.close()

    def turn_away(self):
        """Listen no more, and close all connections."""
        self._server.close()
        self.close_all()


@pytest.fixture
async def feed(until):
    feed = Feed()
    await feed.listen()
    yield feed
    feed.turn_away()
    await until(lambda: not feed.connected)


class Quotes:
    """The service as a process."""

    def __init__(self, folder, system, feed):
        self.folder = folder
        self.output = ""
        self._system = system
        self._feed = feed
        self._process = None

    def install(self, stage):
        """Put the files of a stage where they belong."""
        shutil.copytree(HERE / "legacy", self.folder / "legacy", ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "symbols.txt").write_text("A B")
        for file, text in stage.programs:
            (self.folder / file).write_text(text)

    async def identify(self):
        component = Component(
            id="quotes",
            meta=Meta(name="Quotes"),
            access_points=AccessPoints(publish_to=(AccessPoint(bus="system-redis", key="quotes:heartbeat"),)),
            heartbeat=Heartbeat(interval_sec=0.05, ttl_sec=1.0),
            env={
                "QUOTES_FEED": f"127.0.0.1:{self._feed.port}",
                "QUOTES_SYMBOLS": "symbols.txt",
                "QUOTES_REPORT": "report.json",
                "QUOTES_INTERVAL": 0.02,
            },
        )
        client = redis_clients.control(self._system.url)
        async with redis_clients.opened(client):
            await publish_truth(client, build_truth([component], {"system-redis": Bus(url=self._system.url)}))

    @asynccontextmanager
    async def running(self):
        """Run it for the block, and kill it at the end if it still runs."""
        await self.identify()
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("QUOTES_", "TRUTH_", "LOG_"))
        }
        process = await anyio.open_process(
            [sys.executable, "supervised_main.py"],
            stderr=STDOUT,
            cwd=self.folder,
            env=clean | {"TRUTH_REDIS_URL": self._system.url, "PYTHONPATH": PATH},
        )
        async with process, anyio.create_task_group() as group:
            self._process = process
            group.start_soon(self._listen)
            try:
                yield
            finally:
                if process.returncode is None:
                    process.kill()
                sys.stdout.write(self.output)  # pytest shows it when the test fails

    async def _listen(self):
        async for chunk in self._process.stdout:
            self.output += chunk.decode()

    async def stopped(self):
        """Tell it to stop, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self):
        with anyio.fail_after(20):
            return await self._process.wait()

    def says(self, sentence):
        """Whether a line of its log ends with this; `…` stands for anything."""
        pattern = ".*".join(map(re.escape, sentence.split("…")))
        return re.search(rf"\]\S* ?{pattern}$", self.output, re.MULTILINE) is not None

    def report(self):
        file = self.folder / "report.json"
        text = file.read_text() if file.exists() else ""
        return json.loads(text) if text else {}

    def heartbeat(self):
        with redis.Redis.from_url(self._system.url) as client:
            beat = client.get("quotes:heartbeat")
        return json.loads(beat) if beat else {}


@pytest.fixture
def quotes(tmp_path, system, feed):
    return Quotes(tmp_path, system, feed)


@pytest.fixture
def until():
    """Wait for a condition, some seconds at most."""

    async def wait(condition, within=10.0):
        with anyio.fail_after(within):
            while not condition():
                await anyio.sleep(0.005)

    return wait


@pytest.fixture
def stages():
    """Each stage has what came before it; a file that comes again replaces the former one."""
    return STAGES
