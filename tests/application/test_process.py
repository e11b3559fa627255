"""`otp run` as a process among others: what it tells systemd and who asks it, its log, its exit code."""

import contextlib
import http.client
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).parent
PATIENCE = 30


@pytest.fixture(params=[["--uvloop"], ["--no-uvloop"], ["--backend", "trio"]], ids=["uvloop", "asyncio", "trio"])
def backend(request):
    return request.param


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Where systemd would listen."""
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(PATIENCE)
        yield listening


@contextlib.contextmanager
def running(tree, *options):
    command = [sys.executable, "-m", "otp", "run", f"process_trees:{tree}", *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=HERE, text=True, **pipes) as process:
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode().splitlines()


def test_systemd_is_told_from_the_start_to_the_end(init, backend):
    with running("calm", *backend) as process:
        assert process.stdout.readline() == "up\n"
        told = [init.recv(4096).decode() for _ in range(2)]
        assert sorted(told) == ["READY=1", "STATUS=1/1 up"]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
        init.setblocking(False)
        assert init.recv(4096).decode() == "STOPPING=1"
    assert process.returncode == 0
    assert "INFO     calm  stopped in " in log


def test_the_log_names_who_blocks_the_loop_while_it_does(backend):
    """The child goes on when the line has been read: so it was there before."""
    with running("blocking", *backend, "--loop-watch", "0.2") as process:
        assert process.stdout.readline() == "blocking\n"
        line = process.stderr.readline()
        assert "ERROR    blocking/sub/b  blocks the event loop, for " in line
        assert "in block (application/process_trees.py:" in line
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "free\n"
        assert "INFO     blocking/sub/b  blocks the event loop no more; it did for " in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert "blocks" not in log
    assert process.returncode == 0


def test_the_health_port_answers_while_the_loop_is_blocked(backend):
    port = free_port()
    with running("blocking", *backend, "--loop-watch", "0.2", "--health-port", str(port)) as process:
        process.stderr.readline()
        assert ask(port, "/livez") == (503, ["blocking/sub/b blocks the event loop", "2/2 up"])
        process.stdin.write("go on\n")
        process.stdin.flush()
        process.stderr.readline()
        assert ask(port, "/livez") == (200, ["ok", "2/2 up"])
        assert ask(port, "/readyz") == (200, ["ok", "2/2 up"])


@pytest.mark.parametrize(
    ("options", "threads"), [([], 4), (["--loop-watch", "0"], 3), (["--loop-watch", "0", "--no-control"], 2)]
)
def test_a_thread_watches_the_end_one_the_loop_and_one_is_at_the_sockets_unless_they_are_not_wanted(options, threads):
    with running("calm", *options) as process:
        assert process.stdout.readline() == "up\n"
        assert len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())) == threads


def test_who_was_late_is_in_the_report(backend):
    with running("late", *backend) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert process.returncode == 0
    assert "WARNING  late  stopped in " in log.splitlines()[-1]
    assert "killed: late/a" in log.splitlines()[-1]


def test_who_refused_is_in_the_last_line_with_the_exit_code_and_how_long_it_took(backend):
    with running("refusing", *backend) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert process.returncode == 70
    last = log.splitlines()[-1]
    assert "CRITICAL refusing  not all stopped after " in last
    assert "exits with code 70, with this still running: refusing/a in refuse (application/process_trees.py:" in last


def test_a_health_port_in_use_ends_it_before_anything_has_started():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with running("calm", "--health-port", str(port)) as process:
            out, log = process.communicate()
    assert process.returncode == 78
    assert out == ""
    assert f"CRITICAL the health port 127.0.0.1:{port} cannot be had: Address already in use" in log


@pytest.mark.parametrize("option", [("--health-port", "http"), ("--loop-watch", "-1")])
def test_a_wrong_option_is_told_as_such(option):
    with running("calm", *option) as process:
        out, log = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert "expected [HOST:]PORT, got 'http'" in log or "'--loop-watch'" in log
