"""The other end: which socket is meant, and what a client says when nobody answers as it should."""

import os
import socket
import threading
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from otp.control.client import CommandFailed, Unreachable, connect, find_socket
from otp.control.protocol import PROTOCOL, Failed, GetHealth, Greeting, Reply, Restart, encode
from otp.control.rows import Health
from otp.control.sockets import claim

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
