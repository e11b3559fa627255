"""A socket in hostile hands: what comes is refused, memory is bounded, and the tree and its operator go on."""

import os
import socket
import struct
import subprocess
import sys
import textwrap
from contextlib import ExitStack, contextmanager

import anyio
import pytest

from otp import supervisor, worker
from otp.control.client.client import connect
from otp.control.client.errors import CommandFailed
from otp.control.server import accepting, connection, server
from otp.control.wire.commands import (
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    Restart,
)
from otp.control.wire.peer import Peer, peer_of
from otp.control.wire.protocol import HEADER, MAX_REQUEST, Request, encode
from otp.testing import Probe
from tests.control.stage import InThread, asked, served
from tests.control.wire.test_protocol import HOSTILE


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param, {}


@contextmanager
def raw(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
        one.settimeout(20.0)
        one.connect(str(path))
        yield one


def rest(one):
    """All that the server still says, until it closes."""
    said = b""
    try:
        while data := one.recv(65_536):
            said += data
    except ConnectionResetError:
        pass
    return said


@pytest.fixture
async def stage(place):
    """A tree; after the test it is as it was, and its operator gets through."""
    spec = supervisor("shop", children=[Probe("a").spec(), supervisor("s", children=[Probe("b").spec()])])
    async with served(spec, place) as stage:
        before = stage.generations()
        yield stage
        assert stage.generations() == before
        assert (await stage.ask(GetHealth())).ready
        await stage.ask(Restart(path="s/b"))
        assert stage.handle.child("s/b").manual == 1
        await stage.until(lambda: len(stage.server._connections) <= server.MAX_CONNECTIONS)


def says(path, *pieces):
    with raw(path) as one:
        for piece in pieces:
            try:
                one.sendall(piece)
            except OSError:  # it has been closed meanwhile
                break
        return rest(one)


def framed(body):
    return len(body).to_bytes(HEADER) + body


async def test_random_bytes_are_refused(stage):
    def flood():
        return [says(stage.socket, b"\xff" + os.urandom(number * 37 + 3)) for number in range(40)]

    answers = await InThread(flood).result()
    assert all(b"protocol" in answer for answer in answers)


@pytest.mark.parametrize("length", [0, MAX_REQUEST + 1, 2**31, 2**32 - 1])
async def test_a_length_that_may_not_be_is_refused_before_anything_is_kept_for_it(stage, length):
    said = await InThread(says, stage.socket, length.to_bytes(HEADER)).result()
    assert b"protocol" in said
    assert f"announces {length}".encode() in said


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_request_is_refused_and_the_connection_closed(stage, body):
    said = await InThread(says, stage.socket, framed(body)).result()
    assert b"protocol" in said


async def test_half_a_frame_is_waited_for_only_so_long(stage, monkeypatch):
    monkeypatch.setattr(connection, "WHOLE_WITHIN", 0.02)
    frame = encode(Request("1", GetHealth()))
    for half in (frame[:1], frame[:HEADER], frame[:-1]):
        assert b"has to come to its end within" in await InThread(says, stage.socket, half).result()


async def test_a_client_that_asks_nothing_may_stay(stage, monkeypatch):
    monkeypatch.setattr(connection, "WHOLE_WITHIN", 0.02)

    def idle():
        with connect(stage.socket) as client:
            for _ in range(3):
                asked(stage.socket, GetHealth())
            return client.ask(GetHealth())

    assert (await InThread(idle).result()).ready


async def test_a_thousand_connections_at_once_are_bounded_and_the_operator_gets_in(stage):
    most = 0

    def storm():
        with ExitStack() as them:
            for _ in range(1_000):
                one = them.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                one.settimeout(20.0)
                one.connect(str(stage.socket))
                one.sendall(b"\x00\x00")  # and half a frame
            return asked(stage.socket, GetSnapshot()), asked(stage.socket, Restart(path="a", dry_run=True))

    storming = InThread(storm)
    while not storming.is_over:
        most = max(most, await stage.in_the_server(lambda: len(stage.server._connections)))
    snapshot, acted = await storming.result()
    assert len(snapshot.children) == 3
    assert acted.changes[0].path == "shop/a"
    assert most <= server.MAX_CONNECTIONS


async def test_the_longest_idle_connection_gives_way_to_a_new_one(stage, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)

    def come_and_go():
        with connect(stage.socket) as first, connect(stage.socket) as second:
            first.ask(GetHealth())
            with connect(stage.socket):
                assert second.until_closed(10.0)
                return first.ask(GetHealth())

    assert (await InThread(come_and_go).result()).ready


async def test_where_all_are_busy_a_new_one_is_told_so_until_one_takes_nothing(place, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    many = [worker(f"{n:0200}", anyio.sleep_forever) for n in range(5_000)]
    async with served(supervisor("shop", children=many), place) as stage:
        with raw(stage.socket) as stuck:
            stuck.sendall(encode(Request("1", GetSnapshot())))
            await stage.until(lambda: any(one._stuck_since for one in stage.server._connections))
            monkeypatch.setattr(connection, "STUCK_AFTER", 1e9)
            with pytest.raises(Exception, match="1 clients are connected and busy"):
                await stage.ask(GetHealth())
            monkeypatch.setattr(connection, "STUCK_AFTER", 0.0)
            assert (await stage.ask(GetHealth())).ready


async def test_a_client_that_never_reads_a_big_answer_is_let_go_and_holds_little(place, monkeypatch):
    many = [worker(f"{n:0200}", anyio.sleep_forever) for n in range(5_000)]
    async with served(supervisor("shop", children=many), place) as stage:
        monkeypatch.setattr(connection, "TAKEN_WITHIN", 0.3)
        with raw(stage.socket) as stuck:
            stuck.sendall(encode(Request("1", GetSnapshot())))
            await stage.until(lambda: any(one._stuck_since for one in stage.server._connections))
            waiting = await stage.in_the_server(
                lambda: [one._writer.transport.get_write_buffer_size() for one in stage.server._connections]
            )
            assert max(waiting) <= 2 * connection.PIECE
            await stage.until(lambda: not stage.server._connections)
        assert (await stage.ask(GetHealth())).ready
        assert set(stage.generations().values()) == {1}


async def test_a_client_that_leaves_in_the_middle_of_anything_leaves_nothing(stage):
    frame = encode(Request("1", GetSnapshot()))

    def leave():
        for end in (0, 1, HEADER, len(frame) - 1, len(frame)):
            with raw(stage.socket) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.sendall(frame[:end])

    await InThread(leave).result()
    await stage.until(lambda: not stage.server._connections)
    await stage.until(lambda: len(stage.server._tasks) == 2)


async def test_a_flood_of_requests_that_nobody_waits_for_is_bounded(stage, monkeypatch):
    monkeypatch.setattr("otp.control.server.pending.MOST_AT_ONCE", 8)

    def flood():
        for number in range(100):
            with raw(stage.socket) as one:
                one.sendall(encode(Request(str(number), GetSnapshot())))

    flooding = InThread(flood)
    most = 0
    while not flooding.is_over:
        most = max(most, await stage.in_the_server(lambda: len(stage.server._pending._open)))
    await flooding.result()
    assert most <= 8
    await stage.until(lambda: not stage.server._pending._open)


# ---------------------------------------------------------------------------------------------------- who


def test_only_our_own_user_and_root_is_trusted():
    ours = os.getuid()
    assert Peer(ours, 1, "we").is_trusted
    assert Peer(0, 1, "root").is_trusted
    assert Peer(-1, 0).is_trusted
    assert not Peer(ours + 1, 1, "they").is_trusted
    assert not Peer(65534, 1, "nobody").is_trusted


def test_the_kernel_says_who_is_at_the_other_end(monkeypatch):
    one, other = socket.socketpair()
    with one, other:
        peer = peer_of(one)
        assert (peer.uid, peer.pid, peer.is_trusted) == (os.getuid(), os.getpid(), True)
        monkeypatch.delattr(socket, "SO_PEERCRED")
        assert str(peer_of(one)) == "somebody"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_refused_even_where_the_files_would_let_him_in(stage):
    for path in (stage.socket.parent, stage.socket, stage.read_socket):
        path.chmod(0o777)
    program = textwrap.dedent("""
        import os, socket, sys
        one = socket.socket(socket.AF_UNIX)
        os.setgid(65534); os.setuid(65534)
        one.connect(sys.argv[1])
        said = b""
        while data := one.recv(4096):
            said += data
        print(said)
    """)
    for path in (stage.socket, stage.read_socket):
        done = await anyio.to_thread.run_sync(
            lambda path=path: subprocess.run(
                [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=30, check=True
            )
        )
        assert "this process is not yours, nobody (pid" in done.stdout
        assert "greeting" not in done.stdout
    stage.socket.parent.chmod(0o700)  # the operator who comes behind trusts no other folder


@pytest.mark.parametrize(
    "look",
    [
        lambda pattern: GetEvents(path=pattern, debug=True),
        lambda pattern: GetIncidents(path=pattern, resolved=True),
        lambda pattern: Explain(path=pattern),
        lambda pattern: GetWhy(path=pattern),
        lambda pattern: GetStack(path=pattern),
        lambda pattern: Restart(path=pattern, all=True, dry_run=True),
    ],
)
@pytest.mark.parametrize("pattern", ["**/" * 60 + "zz", "**/" * 30 + "zz", "*a" * 120, "*/[!a]" * 10 + "zz"])
async def test_no_pattern_of_a_stranger_stops_the_tree(stage, look, pattern):
    """It is answered or refused, within the time of the fixture: guessing would take longer than the universe has."""
    path = stage.socket if isinstance(look(""), Restart) else stage.read_socket
    try:
        await stage.ask(look(pattern), path=path)
    except CommandFailed as refused:
        assert refused.kind in ("not_found", "refused")
        assert "no child matches" in str(refused) or "a pattern may have" in str(refused)


def greeted(one):
    """Whether the server says something within a moment."""
    one.settimeout(0.2)
    try:
        return bool(one.recv(4096))
    except TimeoutError:
        return False


async def test_who_opens_connections_without_end_is_accepted_at_a_bounded_rate_and_keeps_nobody_off_the_other_socket(
    place, monkeypatch
):
    monkeypatch.setattr(accepting, "ACCEPTED_AT_ONCE", 5)
    monkeypatch.setattr(accepting, "ACCEPTED_A_SECOND", 1e-6)

    def flood(path):
        with ExitStack() as stack:
            return sum(greeted(stack.enter_context(raw(path))) for _ in range(8))

    async with served(supervisor("shop", children=[Probe("a").spec()]), place) as stage:
        assert await InThread(flood, stage.read_socket).result() == 5
        assert (await stage.ask(GetHealth())).ready
