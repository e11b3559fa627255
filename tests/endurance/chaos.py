"""Chaos on the four services: servers and processes are killed, workers made to fail, the provider goes and comes back.

The services are a process of their own. The provider, the newspaper and the Valkey servers are ours, and real.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import anyio
from anyio import to_thread

from otp.control.client.client import connect
from otp.control.wire.commands import GetSnapshot, InjectFault, Restart
from otp.errors import ControlError
from services.marketswarm.demo.newspaper import open_newspaper
from services.marketswarm.demo.scenario import NEWS
from services.marketswarm.demo.stage import KEY, RATE, publish_identities
from services.massive.provider import ProviderConfig, open_provider
from services.shared.buses import resolve_buses
from services.shared.redis_address import EMBEDDED
from services.shared.runtime_folder import runtime_folder
from tests.endurance.books import Tape, received, trading
from tests.endurance.table import Line

ROOT = pathlib.Path(__file__).parents[2]
BUSES = ("system", "market", "intel")
APP = "marketswarm"

UP_WITHIN = 60.0
"""Seconds after a fault in which all has to be up again."""

SETTLED_WITHIN = 60.0
"""Seconds at the end in which everything that is on its way has to arrive."""


def run(minutes, seed):
    """Let it reign, and give the lines of the table."""
    return anyio.run(_reign, minutes * 60.0, random.Random(seed))


async def _reign(seconds, dice):
    async with open_chaos(dice) as chaos, anyio.create_task_group() as life:
        life.start_soon(chaos.print_news)
        life.start_soon(chaos.move_the_market)
        life.start_soon(chaos.read_the_tape)
        await chaos.comes_up()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await chaos.strike()
        life.cancel_scope.cancel()
    return chaos.lines


class Service:
    """The four services in a process; there is one after the other."""

    def __init__(self, folder):
        self.taps = []
        self.killed = []
        self._folder = folder
        self._process = None

    @property
    def socket(self):
        return self._folder / "otp" / f"{APP}.sock"

    @property
    def log(self):
        return self._folder / "log"

    def start(self):
        self.taps.append(self._folder / f"tap-{len(self.taps)}")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(self._folder)}
        environment["FAULTS_ALLOWED"] = "true"
        with self.log.open("ab") as log:
            words = [sys.executable, "-m", "tests.endurance.counted_services", str(self.taps[-1])]
            self._process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self.killed.append(self.taps[-1])

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def end(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ask(self, command):
        with connect(self.socket) as client:
            return client.ask(command)

    def rows(self):
        return self.ask(GetSnapshot()).children


class Chaos:
    """Strikes, and knows what came of it."""

    def __init__(self, dice, service, buses, provider, newspaper):
        self.lines = []
        self.strikes = Counter()
        self.slowest = 0.0
        self._dice = dice
        self._service = service
        self._buses = buses
        self._provider = provider
        self._newspaper = newspaper
        self._tape = Tape(buses.urls["market"])
        self._workers = []

    async def comes_up(self):
        """Wait until all children are up."""
        began = time.monotonic()
        while not await to_thread.run_sync(self._is_up):
            if time.monotonic() > began + UP_WITHIN:
                raise TimeoutError(f"not up again: {self._down()}; see {self._service.log.read_text()[-4_000:]}")
            await anyio.sleep(0.1)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _is_up(self):
        with suppress(ControlError, OSError):
            rows = self._service.rows()
            self._workers = [row.path for row in rows if row.kind == "worker"]
            return bool(rows) and all(row.state == "running" for row in rows)
        return False

    def _down(self):
        with suppress(ControlError, OSError):
            return {row.path: row.state for row in self._service.rows() if row.state != "running"}
        return "it does not answer"

    async def strike(self):
        """One fault, and its end."""
        names = list(FAULTS)
        name = self._dice.choices(names, [FAULTS[name][1] for name in names])[0]
        self.strikes[name] += 1
        await FAULTS[name][0](self)
        await self.comes_up()
        await anyio.sleep(self._dice.uniform(0.2, 1.0))

    # ------------------------------------------------------------------------------------------------ faults

    async def _provider_restarts(self):
        await self._provider.close_all(1012, "service restart")

    async def _connection_lost(self):
        self._provider.drop_all()

    async def _provider_away(self):
        self._provider.refuse_connections()
        self._provider.drop_all()
        await anyio.sleep(self._dice.uniform(0.2, 2.0))
        self._provider.heal()

    async def _server_killed(self):
        bus = self._buses.embedded[self._dice.choice(BUSES)]
        bus.kill()
        await anyio.sleep(self._dice.uniform(0.0, 2.0))
        await bus.start()

    async def _worker_fails(self):
        kind = self._dice.choice(("crash", "cancel", "flap"))
        await self._act(InjectFault(path=self._dice.choice(self._workers), kind=kind, times=1, seconds=2.0))

    async def _worker_restarted(self):
        await self._act(Restart(path=self._dice.choice(self._workers), reason="chaos"))

    async def _process_killed(self):
        self._service.kill()
        self._service.start()

    async def _act(self, command):
        with suppress(ControlError):  # it may just be on its way up
            await to_thread.run_sync(self._service.ask, command)

    # ------------------------------------------------------------------------------------------------ around them

    async def print_news(self):
        while True:
            title, summary = NEWS[self._newspaper.printed % len(NEWS)]
            self._newspaper.prints(f"{title} ({self._newspaper.printed})", summary)
            await anyio.sleep(0.5)

    async def move_the_market(self):
        """Now and then a trade that is out of the ordinary: anomalies become signals, and signals orders."""
        while True:
            await anyio.sleep(1.1)  # intel reports a symbol once a second at most
            now = int(time.time() * 1_000)
            symbol, price = self._dice.choice((("AAPL", 275.5), ("MSFT", 490.0), ("NVDA", 180.0)))
            trade = f'[{{"ev":"T","sym":"{symbol}","x":4,"p":{price},"s":90000,"c":[],"t":{now},"q":{now},"z":3}}]'
            self._provider.send_raw(trade.encode())

    async def read_the_tape(self):
        while True:
            await self._tape.read_on()
            await anyio.sleep(0.5)

    # ------------------------------------------------------------------------------------------------ the books

    async def settle(self):
        """Wait until nothing is on its way, end the service in order, and go through the books."""
        with anyio.move_on_after(SETTLED_WITHIN):
            while not (await trading(self._buses.urls["intel"])).agrees:
                await anyio.sleep(0.5)
        code = await to_thread.run_sync(self._service.stop)
        await self._tape.read_on()
        books = await trading(self._buses.urls["intel"])
        self.lines = [*self._struck(code), *self._frames(), *self._trades(books)]

    def _struck(self, code):
        lines = [Line(name, f"{count}") for name, count in sorted(self.strikes.items())]
        return [
            *lines,
            Line("until all is up again, at most", f"{self.slowest:.1f} s", f"≤ {UP_WITHIN:g} s"),
            Line("exit code", f"{code}", "0", code == 0),
        ]

    def _frames(self):
        with_process = sum((received(file) for file in self._service.killed), Counter())
        ours = sum((received(file) for file in self._service.taps if file not in self._service.killed), Counter())
        everything = ours + with_process
        missing = everything - self._tape.on_bus
        lost = sum((missing - with_process).values())
        doubled = sum((self._tape.on_bus - everything).values())
        return [
            Line("trades and quotes at our socket", f"{sum(everything.values()):,}", "> 0", bool(everything)),
            Line("lost between socket and bus", f"{lost}", "0", lost == 0),
            Line("doubled on the bus", f"{doubled}", "0", doubled == 0),
            Line("in the memory of a process that was killed -9", f"{sum((missing & with_process).values())}"),
        ]

    def _trades(self, books):
        return [
            Line("signals", f"{books.signals}"),
            Line("orders", f"{books.orders}"),
            Line("fills", f"{books.fills}"),
            *(Line(what, f"{count}", "0", count == 0) for what, count in books.wrong.items()),
        ]


FAULTS = {
    "the provider closes with 1012": (Chaos._provider_restarts, 4),
    "the connection is lost": (Chaos._connection_lost, 4),
    "the provider is away": (Chaos._provider_away, 2),
    "a Valkey server is killed -9": (Chaos._server_killed, 4),
    "a worker is made to fail": (Chaos._worker_fails, 6),
    "a worker is restarted by request": (Chaos._worker_restarted, 3),
    "the process is killed -9": (Chaos._process_killed, 1),
}
"""What strikes, and how often beside the others."""


@asynccontextmanager
async def open_chaos(dice):
    """Everything but the tree in this process; the books are gone through with the end of the block."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(runtime_folder("otp-chaos-", len("broker.sock")))
        here = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otp-")))
        buses = await stack.enter_async_context(resolve_buses(dict.fromkeys(BUSES, EMBEDDED), allow_embedded=True))
        provider = await stack.enter_async_context(open_provider(ProviderConfig(keys=(KEY,), rate=RATE)))
        newspaper = await stack.enter_async_context(open_newspaper())
        await publish_identities(buses.urls, provider.url, newspaper.url, folder / "broker.sock")
        service = Service(here)
        stack.callback(service.end)
        service.start()
        chaos = Chaos(dice, service, buses, provider, newspaper)
        yield chaos
        await chaos.settle()
