"""The health port, asked by real HTTP; also while the event loop is blocked."""

import errno
import http.client
import socket
import socketserver
import threading
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import pytest
from loguru import logger

import otp
from otp import supervisor, worker
from otp.application import health
from otp.application.health import HealthServer, answering
from otp.application.host import open_host
from otp.application.loop_watch import LoopWatch, watching
from otp.application.options import Options, options
from otp.application.readiness import ReadinessFromThread, readiness_of
from otp.errors import HostError
from otp.events import ChildDelayed, ChildExited, ChildRefused, LoopBlocked, SupervisorStopping
from otp.policy import Backoff, FailurePolicy, RestartAfter, on
from otp.runtime.open import open_tree
from otp.testing import EventRecorder, Probe

HOST = "127.0.0.1"
SOON = 20.0


class Port:
    """Asks, from a thread of its own."""

    def __init__(self, number):
        self.number = number

    def ask(self, path, method="GET"):
        connection = http.client.HTTPConnection(HOST, self.number, timeout=SOON)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode().splitlines()
        finally:
            connection.close()

    async def get(self, path, method="GET"):
        return await anyio.to_thread.run_sync(self.ask, path, method)


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request):
    """Real time: a virtual clock would run ahead of the threads that ask."""
    return {"asyncio": "asyncio", "uvloop": ("asyncio", {"use_uvloop": True}), "trio": "trio"}[request.param]


@asynccontextmanager
async def healthy(spec, hooks=(), threshold=None, listener=None):
    with HealthServer(HOST, 0) as server:
        async with open_tree(spec, hooks) as tree:
            watch = LoopWatch(tree, threshold=threshold or SOON, listeners=[listener] if listener else [])
            with watching(watch):
                async with answering(server, ReadinessFromThread(tree, watch if threshold else None)):
                    yield tree, Port(server.server_port)


async def test_a_tree_that_is_up_is_live_and_ready():
    spec = supervisor("root", children=[worker("a", anyio.sleep_forever), supervisor("sub")])
    async with healthy(spec) as (tree, port):
        tree.root.begin()
        await tree.settled.wait()
        assert await port.get("/livez") == (200, ["ok", "2/2 up"])
        assert await port.get("/readyz") == (200, ["ok", "2/2 up"])


async def test_a_tree_that_starts_is_live_and_not_ready():
    async def never(*, task_status):
        await anyio.sleep_forever()

    async with healthy(supervisor("root", children=[worker("a", never, ready=True)])) as (tree, port):
        tree.root.begin()
        assert await port.get("/livez") == (200, ["ok", "starting: 0/1 up, 1 starting"])
        assert await port.get("/readyz") == (503, ["the tree is starting", "starting: 0/1 up, 1 starting"])


async def test_a_child_that_waits_for_its_next_try_takes_nothing_out_of_service():
    policy = FailurePolicy(on(ValueError, RestartAfter(Backoff(60.0, cap=60.0))))
    events, a = EventRecorder(), Probe("a")
    spec = supervisor("root", children=[a.spec(policy=policy), worker("b", anyio.sleep_forever)])
    async with healthy(spec, [events]) as (tree, port):
        tree.root.begin()
        await tree.settled.wait()
        a.crash(ValueError("secret"))
        await events.wait_for(ChildDelayed)
        assert await port.get("/readyz") == (200, ["ok", "1/2 up, 1 backoff"])
        assert await port.get("/livez") == (200, ["ok", "1/2 up, 1 backoff"])


async def test_a_tree_that_stops_is_live_and_not_ready():
    events, gate = EventRecorder(), anyio.Event()

    async def slow():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await gate.wait()

    async with healthy(supervisor("root", children=[worker("a", slow, shutdown=SOON)]), [events]) as (tree, port):
        tree.root.begin()
        await tree.settled.wait()
        await anyio.wait_all_tasks_blocked()
        tree.stop()
        await events.wait_for(SupervisorStopping)
        assert await port.get("/readyz") == (503, ["the tree is stopping", "stopping: 0/1 up, 1 stopping"])
        assert (await port.get("/livez"))[0] == 200
        gate.set()
        await tree.gone.wait()
        assert await port.get("/livez") == (503, ["the tree has ended", "ended: 0/1 up, 1 stopped"])


async def test_a_child_that_refused_to_stop_makes_it_neither_live_nor_ready():
    events, gate = EventRecorder(), anyio.Event()

    async def stubborn():
        with anyio.CancelScope(shield=True):
            await gate.wait()

    spec = supervisor("root", children=[supervisor("sub", children=[worker("stubborn", stubborn, shutdown=0.01)])])
    async with healthy(spec, [events]) as (tree, port), anyio.create_task_group() as group:
        tree.root.begin()
        await tree.settled.wait()
        await anyio.wait_all_tasks_blocked()
        group.start_soon(_terminate, tree, "sub/stubborn")
        await events.wait_for(ChildRefused)
        why = "refused to stop: root/sub/stubborn"
        assert await port.get("/livez") == (503, [why, "1/2 up, 1 refused"])
        assert await port.get("/readyz") == (503, [why, "1/2 up, 1 refused"])
        gate.set()
        await events.wait_for(ChildExited, "root/sub/stubborn")
        assert await port.get("/livez") == (200, ["ok", "1/2 up, 1 stopped"])


async def _terminate(tree, path):
    with pytest.raises(otp.ChildRefused):
        await otp.Supervisor(tree).terminate_child(path)


async def test_a_broken_supervision_is_not_live():
    async with open_tree(supervisor("root"), []) as tree:
        tree.root.begin()
        assert readiness_of(tree).live
        tree.broken = True
        readiness = readiness_of(tree)
        tree.broken = False
    assert (readiness.live, readiness.trouble) == (False, "the supervision itself has failed")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_blocked_loop_is_answered_for_at_once_and_the_child_is_named(path, monkeypatch):
    """The block ends with the answer: a server in the loop, or one that asks the loop, would not give it before."""
    monkeypatch.setattr("otp.application.readiness.PATIENCE", 10 * SOON)
    answers, told, over, done = [], threading.Event(), threading.Event(), anyio.Event()

    async def block():
        asking = threading.Thread(target=ask)
        asking.start()
        over.wait(SOON)
        asking.join()
        done.set()

    def ask():
        told.wait(SOON)
        answers.append(port.ask(path))
        over.set()

    def listen(event):
        if isinstance(event, LoopBlocked):
            told.set()

    spec = supervisor("root", children=[worker("a", block, restart=otp.Restart.TEMPORARY)])
    async with healthy(spec, threshold=0.1, listener=listen) as (tree, port):
        tree.root.begin()
        await done.wait()
    assert answers == [(503, ["root/a blocks the event loop", "1/1 up"])]


async def test_a_blocked_loop_that_nobody_watches_is_not_live_either(monkeypatch):
    monkeypatch.setattr("otp.application.readiness.PATIENCE", 0.1)
    answers, done = [], anyio.Event()

    async def block():
        asking = threading.Thread(target=lambda: answers.append(port.ask("/livez")))
        asking.start()
        asking.join(SOON)
        done.set()

    spec = supervisor("root", children=[worker("a", block, restart=otp.Restart.TEMPORARY)])
    async with healthy(spec) as (tree, port):
        tree.root.begin()
        await done.wait()
        assert (await port.get("/livez"))[0] == 200
    assert answers == [(503, ["root blocks the event loop", "1/1 up"])]


async def test_many_who_ask_at_once_cost_the_loop_one_look(monkeypatch):
    looks, done = [], anyio.Event()
    count = otp.application.readiness.readiness_of
    monkeypatch.setattr("otp.application.readiness.readiness_of", lambda tree: looks.append(1) or count(tree))

    async def block():
        asking = [threading.Thread(target=look) for _ in range(20)]
        for one in asking:
            one.start()
        while len(entered) < 20:
            pass
        done.set()

    def look():
        entered.append(1)
        ask()

    entered = []
    spec = supervisor("root", children=[worker("a", block, restart=otp.Restart.TEMPORARY)])
    async with open_tree(spec, []) as tree:
        ask = ReadinessFromThread(tree, None)
        looks.clear()
        tree.root.begin()
        await done.wait()
        await anyio.wait_all_tasks_blocked()
    assert 1 <= len(looks) <= 3


class TestTheServer:
    @pytest.fixture(params=["asyncio"])
    def anyio_backend(self, request):
        return request.param

    @pytest.fixture
    async def port(self):
        async with healthy(supervisor("root")) as (tree, port):
            tree.root.begin()
            yield port

    async def test_there_is_nothing_else(self, port):
        for path in ("/", "/livez/", "/livezz", "/../livez", "http://x/livez"):
            assert (await port.get(path))[0] == 404

    async def test_a_query_is_not_looked_at(self, port):
        assert (await port.get("/livez?verbose"))[0] == 200

    async def test_head_is_answered_without_a_body(self, port):
        assert await port.get("/livez", "HEAD") == (200, [])

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
    async def test_no_other_method_is(self, port, method):
        assert (await port.get("/livez", method))[0] == 501

    async def test_a_connection_ends_with_its_answer(self, port):
        def ask():
            with socket.create_connection((HOST, port.number), SOON) as connection:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(4096), b""))

        raw = await anyio.to_thread.run_sync(ask)
        assert raw.startswith(b"HTTP/1.0 200 OK\r\n")
        assert raw.endswith(b"\r\n\r\nok\n0/0 up\n")
        assert b"Python" not in raw

    async def test_a_flood_of_silent_connections_keeps_no_probe_out_and_stays_bounded(self, port, monkeypatch):
        """All but the newest are cut off, long before they have been silent for too long."""
        monkeypatch.setattr(health._Probe, "timeout", 10 * SOON)

        def flood():
            silent = [socket.create_connection((HOST, port.number), SOON) for _ in range(5 * health.CONNECTIONS)]
            try:
                cut_off = [one.recv(1) for one in silent[: -health.CONNECTIONS]]
                return cut_off, port.ask("/livez")
            finally:
                for one in silent:
                    one.close()

        cut_off, answer = await anyio.to_thread.run_sync(flood)
        assert cut_off == 4 * health.CONNECTIONS * [b""]
        assert answer == (200, ["ok", "0/0 up"])

    async def test_a_silent_connection_is_closed_after_its_time(self, monkeypatch):
        assert health._Probe.timeout == health.TIMEOUT
        monkeypatch.setattr(health._Probe, "timeout", 0.05)
        async with healthy(supervisor("root")) as (tree, port):
            tree.root.begin()

            def wait():
                with socket.create_connection((HOST, port.number), SOON) as connection:
                    return connection.recv(1)

            assert await anyio.to_thread.run_sync(wait) == b""

    async def test_the_port_is_given_back(self):
        async with healthy(supervisor("root")) as (_, port):
            pass
        with socket.socket() as again:
            again.bind((HOST, port.number))

    async def test_a_port_in_use_is_told_before_anything_is_opened(self):
        with socket.socket() as other:
            other.bind((HOST, 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(
                HostError, match=f"the health port 127.0.0.1:{port} cannot be had: Address already in use"
            ):
                async with open_host(supervisor("root"), [], Options(health=(HOST, port))):
                    pytest.fail("the block must not begin")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        ("[::]:80", ("::", 80)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_a_port_stands_alone_or_behind_its_host(text, address):
    assert options(text).health == address


@pytest.mark.parametrize("text", ["", "x", "80x", "host", "-1", "65536", "::1:80", "1.2.3.4:", "٨٠"])
def test_what_is_no_port_is_refused_with_what_to_write(text):
    with pytest.raises(ValueError, match=r"health port: expected \[HOST:\]PORT, got .*; write 8080, 0.0.0.0:8080 or"):
        options(text)


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan")])
def test_a_watch_without_a_length_is_refused(seconds):
    with pytest.raises(ValueError, match="loop_watch: expected seconds above 0, or None"):
        options(loop_watch=seconds)


@pytest.fixture
def counted(monkeypatch):
    """Accepting fails, as without descriptors; how often it was tried, how long was waited, and what the log says."""
    tries, waits, lines = [], [], []

    def accept(self):
        tries.append(1)
        if len(tries) < 6:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept_really(self)

    accept_really = socketserver.TCPServer.get_request
    monkeypatch.setattr(socketserver.TCPServer, "get_request", accept)
    monkeypatch.setattr(health.time, "sleep", waits.append)
    sink = logger.add(lines.append, format="{message}")
    yield tries, waits, lines
    logger.remove(sink)


async def test_out_of_descriptors_it_waits_before_each_try_and_says_so_once(counted):
    tries, waits, lines = counted
    async with healthy(supervisor("root")) as (tree, port):
        tree.root.begin()
        await tree.settled.wait()
        assert (await port.get("/livez"))[0] == 200
    assert waits.count(health.AGAIN_ACCEPT) == 5 == len(tries) - 1
    assert [line.strip() for line in lines if "health" in line] == [
        "health: cannot accept, and tries on: Too many open files"
    ]


async def test_connections_without_end_are_accepted_at_a_bounded_rate(monkeypatch):
    waits = []
    monkeypatch.setattr(health.time, "sleep", waits.append)
    monkeypatch.setattr(health, "ACCEPTED_A_SECOND", 1.0)
    burst = 4 * health.CONNECTIONS

    def flood(port):
        for _ in range(burst + 10):
            port.ask("/livez")

    async with healthy(supervisor("root")) as (tree, port):
        tree.root.begin()
        await tree.settled.wait()
        await anyio.to_thread.run_sync(flood, port)
    assert sum(wait > 0 for wait in waits) >= 8  # all but the burst, and what came while it lasted
