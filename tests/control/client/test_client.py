"""The other end: which socket is meant, and what a client says when nobody answers as it should."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pytest
from msgspec.structs import replace

from otp.control.client.client import connect
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.client.find import find_socket
from otp.control.wire.commands import GetHealth, Restart
from otp.control.wire.protocol import MAX_MESSAGE, MAX_REQUEST, PROTOCOL, Failed, Greeting, Reply, encode
from otp.control.wire.rows import Health
from otp.control.wire.sockets import claim, live_sockets
from otp.errors import ControlError

GREETING = Greeting(protocol=PROTOCOL, app="shop", pid=1, version="9.9", role="operate", faults=False)
HEALTH = Health(app="shop", state="up", live=True, ready=True, up=1, total=1, problems=())


@contextmanager
def saying(path, *words, hold=False):
    """A server that says this to whoever connects, each of it after a request but the first."""
    over = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            with connection:
                for number, word in enumerate(words):
                    if number:
                        connection.recv(65_536)
                    connection.sendall(word(connection) if callable(word) else word)
                if hold:
                    over.wait(20.0)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture
def path(place):
    return place / "shop.sock"


def health(path, **options):
    with connect(path, **options) as client:
        return client.ask(GetHealth(), id="1")


def test_what_a_server_says_in_pieces_is_put_together(path):
    frame = encode(Reply("1", HEALTH))

    def in_pieces(connection):
        for number in range(len(frame) - 1):
            connection.sendall(frame[number : number + 1])
        return frame[-1:]

    with saying(path, encode(GREETING), in_pieces):
        assert health(path) == HEALTH


def test_an_answer_that_is_no_says_why(path):
    no = Failed(id="1", kind="conflict", message="is running")
    with (
        saying(path, encode(GREETING), encode(no)),
        pytest.raises(CommandFailed, match="is running") as failed,
    ):
        health(path)
    assert failed.value.kind == "conflict"


def test_no_answer_in_time_ends_the_connection_and_says_that_it_may_still_be_done(path):
    with saying(path, encode(GREETING), hold=True), connect(path, timeout=0.05) as client:
        with pytest.raises(CommandFailed, match=r"no answer within 0.05 s; it may still be done") as failed:
            client.ask(Restart(path="a"))
        assert failed.value.kind == "timed_out"
        with pytest.raises(Unreachable):
            client.ask(GetHealth())


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (b"", "has ended"),
        (b"\x00\x00", "has ended"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no control socket of this otp"),
        (encode(Failed(id="", kind="refused", message="this process is not yours")), "this process is not yours"),
        (encode(Reply("1", HEALTH)), "it does not greet"),
        (encode(replace(GREETING, protocol=PROTOCOL + 1)), f"version {PROTOCOL + 1}, and this otp speaks version"),
    ],
)
def test_who_does_not_greet_as_it_should_is_unreachable(path, word, says):
    with saying(path, word), pytest.raises(Unreachable, match=says):
        connect(path)


def test_who_says_nothing_is_unreachable(path):
    with saying(path, hold=True), pytest.raises(Unreachable, match=r"says nothing within 0.05 s"):
        connect(path, timeout=0.05)


def test_a_process_that_ends_in_the_middle_is_unreachable(path):
    with saying(path, encode(GREETING), encode(Reply("1", HEALTH))[:-1]), pytest.raises(Unreachable, match="has ended"):
        health(path)


def test_an_answer_to_another_question_is_not_taken(path):
    with (
        saying(path, encode(GREETING), encode(Reply("2", HEALTH))),
        pytest.raises(Unreachable, match="answers what was not asked: Reply"),
    ):
        health(path)


def test_where_there_is_no_socket_it_says_what_runs_there_instead(place, path):
    with pytest.raises(Unreachable, match=r"there is no socket .*shop.sock; nothing supervised runs there"):
        connect(path)
    other = claim("other", place)
    for listener in other.listen():
        listener.close()
    with pytest.raises(Unreachable, match="running there: other"):
        connect(path)
    with pytest.raises(Unreachable, match="has ended without clearing up"):
        connect(other.operate)
    other.release()


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_socket_of_somebody_else_is_not_ours_to_open(path):
    with saying(path):
        path.chmod(0)
        with pytest.raises(Unreachable, match="not ours to open"):
            connect(path)


def test_a_socket_whose_queue_is_full_is_tried_again(path, monkeypatch):
    attempts = iter([BlockingIOError(11, "try again")] * 3)

    class Socket(socket.socket):
        def connect(self, address):
            if (busy := next(attempts, None)) is not None:
                raise busy
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Socket)
    with saying(path, encode(GREETING), encode(Reply("1", HEALTH))):
        assert health(path) == HEALTH
    always = Socket
    monkeypatch.setattr(always, "connect", lambda self, address: (_ for _ in ()).throw(BlockingIOError(11, "busy")))
    with pytest.raises(Unreachable, match="busy"):
        connect(path, timeout=0.02)


class TestWhichSocket:
    @pytest.fixture(autouse=True)
    def runtime(self, place, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
        monkeypatch.delenv("OTP_SOCKET", raising=False)
        (place / "otp").mkdir(mode=0o700)
        self.folder = place / "otp"
        self.claims = []
        yield
        for one in self.claims:
            one.release()

    def run(self, app):
        self.claims.append(claim(app))
        for listener in self.claims[-1].listen():
            listener.close()

    def test_the_one_that_is_named_by_path_or_by_application(self, monkeypatch):
        assert str(find_socket("/somewhere/x")) == "/somewhere/x"
        assert str(find_socket("x.sock")) == "x.sock"
        assert find_socket("shop") == self.folder / "shop.sock"
        monkeypatch.setenv("OTP_SOCKET", "other")
        assert find_socket() == self.folder / "other.sock"
        assert find_socket("shop") == self.folder / "shop.sock"

    def test_the_only_one_there_is(self):
        with pytest.raises(Unreachable, match="no supervised process has a socket in"):
            find_socket()
        self.run("shop")
        assert find_socket() == self.folder / "shop.sock"
        self.run("bar")
        with pytest.raises(Unreachable, match="several supervised processes are running: bar, shop; name one"):
            find_socket()


# ------------------------------------------------------------------------------------------------ a stranger


DRIPPED = 0.2
"""Seconds that a client gives a server which says a byte each hundredth of that."""


@pytest.fixture
def dripping(path):
    """Starts a server that says some words at once, and then others byte by byte; it counts the bytes."""
    over = threading.Event()
    servers = []

    def start(at_once, dripped):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        said = []

        def serve():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(at_once)
                for byte in dripped:
                    if over.wait(DRIPPED / 100):
                        return
                    connection.sendall(bytes([byte]))
                    said.append(byte)
                over.wait(20.0)

        thread = threading.Thread(target=serve)
        thread.start()
        servers.append((listener, thread))
        return said

    yield start
    over.set()
    for listener, thread in servers:
        thread.join()
        listener.close()


LONG = encode(Reply("1", replace(HEALTH, problems=("it is slow",) * 100)))


def test_a_greeting_has_one_time_to_come_not_one_for_each_byte(path, dripping):
    said = dripping(b"", encode(GREETING) + LONG)
    with pytest.raises(Unreachable, match="says nothing within"):
        connect(path, timeout=DRIPPED / 10)
    assert len(said) < len(encode(GREETING))


def test_an_answer_has_one_time_to_come_not_one_for_each_byte(path, dripping):
    said = dripping(encode(GREETING), LONG)
    with connect(path, timeout=DRIPPED) as client, pytest.raises(CommandFailed, match="no answer within") as failed:
        client.ask(GetHealth(), id="1")
    assert failed.value.kind == "timed_out"
    assert len(said) < len(LONG)


def test_who_watches_is_told_in_time_that_nothing_has_come_while_bytes_drip(path, dripping):
    dripping(encode(GREETING), LONG)
    with connect(path, timeout=DRIPPED) as client:
        assert next(client.watch()) is None


def test_a_server_that_reads_nothing_does_not_keep_a_question_for_ever(path):
    with saying(path, encode(GREETING), hold=True), connect(path, timeout=0.2) as client:
        client._connection._socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                client._connection._socket.send(bytes(65_536))
        with pytest.raises(CommandFailed, match="no answer within") as failed:
            client.ask(GetHealth())
        assert failed.value.kind == "timed_out"


@pytest.mark.parametrize("greeting", [encode(replace(GREETING, app="x" * MAX_REQUEST)), b"\x07\xff\xff\xff" + bytes(9)])
def test_a_greeting_is_short(path, greeting):
    with saying(path, greeting), pytest.raises(Unreachable, match=f"1 to {MAX_REQUEST} bytes"):
        connect(path)


def test_an_answer_is_not_endless(path):
    with (
        saying(path, encode(GREETING), (MAX_MESSAGE + 1).to_bytes(4)),
        pytest.raises(Unreachable, match=f"1 to {MAX_MESSAGE} bytes"),
    ):
        health(path)


def test_a_watcher_takes_nothing_but_what_a_watcher_is_told(path):
    with (
        saying(path, encode(GREETING), encode(GREETING)),
        connect(path) as client,
        pytest.raises(Unreachable, match="answers what was not asked: Greeting"),
    ):
        next(client.watch())


@contextmanager
def heard(path):
    """A server that keeps all that is said to it."""
    words = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.2)

        def serve():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(encode(GREETING))
                    words.append(connection.recv(65_536))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield words
        finally:
            thread.join()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777])
def test_a_folder_that_others_may_enter_is_not_trusted_and_nothing_is_said_there(place, path, mode):
    place.chmod(mode)
    with heard(path) as words, pytest.raises(Unreachable, match=f"is trusted: it .* with mode {mode:04o}.*chmod 700"):
        connect(path)
    assert not any(words)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_trusted_and_nothing_is_said_there(place, path):
    os.chown(place, 65534, 65534)
    with heard(path) as words, pytest.raises(Unreachable, match=r"belongs to uid 65534.*run this as nobody"):
        connect(path)
    assert not any(words)


def test_a_link_to_a_folder_is_not_trusted(place, path):
    link = place / "link"
    link.symlink_to(place)
    with heard(path) as words, pytest.raises(Unreachable, match="is no folder"):
        connect(link / path.name)
    assert not any(words)


def test_in_a_folder_that_is_not_trusted_nobody_is_looked_for(place, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    monkeypatch.delenv("OTP_SOCKET", raising=False)
    (place / "otp").mkdir(mode=0o700)
    os.mkfifo(place / "otp" / "shop.lock")
    (place / "otp" / "shop.sock").touch()
    (place / "otp").chmod(0o777)
    with pytest.raises(Unreachable, match="is trusted"):
        find_socket()
    with pytest.raises(ControlError, match="is trusted"):
        list(live_sockets())


LISTENER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.setgid(65534)
os.setuid(65534)
listener.listen()
print("listens", flush=True)
connection, _ = listener.accept()
print(len(connection.recv(65536)), flush=True)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_server_of_another_user_is_not_trusted_and_nothing_is_said_to_it(path):
    command = [sys.executable, "-c", LISTENER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout.readline() == "listens\n"
            with pytest.raises(Unreachable, match=r"is not trusted: behind it is a process of nobody \(pid"):
                connect(path)
            assert server.stdout.readline() == "0\n"
        finally:
            server.kill()
