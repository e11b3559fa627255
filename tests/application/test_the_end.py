"""When the decision is taken, nothing keeps the process: real processes that do not want to end, and real signals."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

HERE = pathlib.Path(__file__).parent
PATIENCE = 30
BACKENDS = {"uvloop": ["--uvloop"], "asyncio": ["--no-uvloop"], "trio": ["--backend", "trio"]}


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    """Where the sockets of this test's programs are."""
    with tempfile.TemporaryDirectory(prefix="otp-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@contextlib.contextmanager
def program(*words, **pipes):
    """A process, which is killed when it has not ended in time, and so has the exit code -9."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | pipes
    with subprocess.Popen([sys.executable, *words], cwd=HERE, text=True, start_new_session=True, **pipes) as process:
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with the children that it has left


def running(tree, *options, **pipes):
    return program("-m", "otp", "run", f"endings:{tree}", *options, **pipes)


def read_until(stream, text):
    for line in stream:
        if line.rstrip() == text:
            return
    pytest.fail(f"ended before {text!r}")


def ended(process):
    """Exit code, and what it has said on standard error."""
    code = process.wait()
    os.set_blocking(process.stderr.fileno(), False)  # a process that it has left may hold the other end
    return code, process.stderr.read() or ""


def stopped(tree, *options, signals=(signal.SIGTERM,), cleared=True):
    """Exit code and log of a tree that was up and got these signals; its sockets are `cleared` away."""
    with running(tree, *options) as process:
        read_until(process.stdout, "up")
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)  # so that they are two
        code, log = ended(process)
    if cleared:
        assert_no_sockets()
    return code, log


def assert_no_sockets():
    folder = pathlib.Path(os.environ["XDG_RUNTIME_DIR"], "otp")
    assert not folder.exists() or not list(folder.iterdir())


# ------------------------------------------------------------------------------------------------ what is left

LEFT_ANYWHERE = {
    "thread": "thread left in hang (application/endings.py:",
    "request": "thread client in leave_request.<locals>.ask (application/endings.py:",
    "at_exit": "the main thread in hang (application/endings.py:",
    "process": "process ",
}
LEFT_BY_ASYNCIO = {
    "threads": "_0 in hang (application/endings.py:",
    "executor": "_0 in hang (application/endings.py:",
    "c_executor": "_0 in _WorkItem.run (",
    "abandoned_thread": "thread AnyIO worker thread in hang (application/endings.py:",
    "task": "in leave_task.<locals>.stray (application/endings.py:",
}


@pytest.mark.parametrize(("tree", "left"), LEFT_ANYWHERE.items(), ids=LEFT_ANYWHERE)
def test_what_a_child_has_left_does_not_keep_the_process_and_is_named(tree, left, backend):
    code, log = stopped(tree, *backend, "--exit-within", "0.5")
    assert code == 0
    assert "root  stopped in " in log
    last = log.splitlines()[-1]
    assert "WARNING  root  the process exits with code 0, with this still running: " in last
    assert left in last


@pytest.mark.parametrize("option", ["--uvloop", "--no-uvloop"])
@pytest.mark.parametrize(("tree", "left"), LEFT_BY_ASYNCIO.items(), ids=LEFT_BY_ASYNCIO)
def test_neither_does_what_the_event_loop_would_wait_for(tree, left, option):
    code, log = stopped(tree, option, "--exit-within", "0.5")
    assert code == 0
    assert left in log.splitlines()[-1]


def test_a_process_that_nothing_keeps_ends_before_its_time_and_says_no_more(backend):
    began = time.monotonic()
    code, log = stopped("calm", *backend, "--exit-within", "3600")
    assert code == 0
    assert len(log.splitlines()) == 1
    assert time.monotonic() - began < PATIENCE


def test_the_time_that_the_process_has_is_its_option():
    with running("thread", "--exit-within", "3600") as process:
        read_until(process.stdout, "up")
        process.send_signal(signal.SIGTERM)
        while "root  stopped in " not in process.stderr.readline():
            pass
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0  # the second signal ends that as well, and the tree had ended in order


# ------------------------------------------------------------------------------------------------ signals


@pytest.mark.parametrize("tree", ["blocking", "blocking_in_c"])
def test_the_second_signal_acts_while_a_child_blocks_the_loop(tree, backend):
    code, log = stopped(tree, *backend, "--exit-within", "0.5", signals=[signal.SIGINT, signal.SIGTERM])
    assert code == 128 + signal.SIGTERM
    last = log.splitlines()[-1]
    assert "CRITICAL root  the process exits with code 143, with this still running: root/a, " in last
    assert "the main thread in block" in last


def test_the_grace_is_kept_while_a_child_blocks_the_loop(backend):
    code, log = stopped("blocking", *backend, "--grace", "0.2", "--exit-within", "0.3", signals=[signal.SIGINT])
    assert code == 128 + signal.SIGINT
    assert "the main thread in block" in log.splitlines()[-1]


def test_the_grace_bounds_a_stop_that_no_signal_has_begun(backend):
    with running("giving_up", *backend, "--grace", "0.2") as process:
        code, log = ended(process)
    assert code == 70
    assert "with this still running: root/a in hold (application/endings.py:" in log.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops_in_order_and_the_stop_line_names_it(number, backend):
    code, log = stopped("calm", *backend, signals=[number])
    assert code == 0
    assert log.rstrip().endswith(f"ms, after {number.name}")


def test_a_terminal_that_goes_away_says_so_twice_and_the_tree_stops_in_order_all_the_same(backend):
    with running("late", *backend, "--exit-within", "20") as process:
        read_until(process.stdout, "up")
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        assert ended(process)[0] == 70  # it had refused by then; killed at once it would be 129


def test_under_nohup_a_hangup_is_ignored():
    with running("calm", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        read_until(process.stdout, "up")
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        code, log = ended(process)
    assert code == 0
    assert log.rstrip().endswith("after SIGTERM")


def test_no_signal_is_blocked_in_a_child_process():
    with running("masks") as process:
        assert int(process.stdout.readline(), 16) == 0


# ------------------------------------------------------------------------------------------------ streams


@pytest.fixture
def full():
    """The end for writing of a pipe that nobody reads, and into which nothing goes any more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    os.close(reader)


def test_a_standard_error_that_nobody_reads_does_not_keep_the_process(backend, full):
    with running("refusing", *backend, "--exit-within", "0.5", stderr=full) as process:
        read_until(process.stdout, "up")
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        assert process.wait() in (70, 128 + signal.SIGTERM)
    assert_no_sockets()


def test_neither_does_it_when_the_tree_could_not_begin(backend, full):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with running("calm", *backend, "--exit-within", "0.5", "--health-port", str(port), stderr=full) as process:
            assert process.wait() == 78


def test_a_child_that_refuses_behind_broken_standard_streams_is_left_with_70(backend):
    assert stopped("broken", *backend, "--exit-within", "0.5")[0] == 70


def test_a_log_that_never_comes_back_does_not_keep_the_process(backend):
    code, log = stopped("stuck_log", *backend, "--grace", "1", "--exit-within", "0.5")
    assert code in (70, 128 + signal.SIGTERM)  # as it takes the loop's thread with it, or not
    assert "with this still running: root/a in stuck (application/endings.py:" in log.splitlines()[-1]


def test_a_child_that_swallows_every_cancellation_is_left_with_70_and_named(backend):
    code, log = stopped("never", *backend)
    assert code == 70
    assert "with this still running: root/a in refuse (application/endings.py:" in log


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_standard_streams_that_are_closed_at_the_start_are_the_null_device(closed, backend):
    """And no socket of the event loop takes their place."""

    def close():
        for number in closed:
            os.close(number)

    with running("calm", *backend, preexec_fn=close, stdin=None, stdout=None, stderr=None) as process:
        eventually(lambda: pathlib.Path(os.environ["XDG_RUNTIME_DIR"], "otp", "root.sock").exists())
        held = [str(pathlib.Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in closed]
        process.send_signal(signal.SIGTERM)
        code = process.wait()
    assert held == ["/dev/null"] * len(closed)
    assert code == 0


def eventually(true):
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------ the last resort


def test_c_code_that_holds_the_interpreter_is_ended_by_the_last_resort_with_1(backend):
    code, log = stopped("deadlocked", *backend, "--grace", "0.3", "--exit-within", "0.3", cleared=False)
    assert code == 1
    assert "Timeout (0:00:01" in log
    assert "in deadlock" in log


# ------------------------------------------------------------------------------------------------ fork


def test_a_forked_child_is_ended_alone_and_the_tree_goes_on(backend):
    with running("forking", *backend) as process:
        assert process.stdout.readline() == "ended [-15]\n"
        assert process.stdout.readline() == "ended in a thread -15\n"
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        code, log = ended(process)
    assert code == 0
    assert log.rstrip().endswith("after SIGTERM")
    assert len(log.splitlines()) == 1


# ------------------------------------------------------------------------------------------------ embedded


ASYNCIO = ["asyncio", "asyncio+uvloop"]


@pytest.mark.parametrize("backend", ASYNCIO)
@pytest.mark.parametrize("tree", ["threads", "executor", "c_executor"])
def test_run_as_a_function_does_not_wait_for_the_threads_of_an_executor(tree, backend):
    goes_on("run", tree, backend, 0)


@pytest.mark.parametrize("backend", [*ASYNCIO, "trio"])
class TestEmbedded:
    @pytest.mark.parametrize("tree", ["thread", "request", "abandoned_thread"])
    @pytest.mark.parametrize("how", ["run", "serve"])
    def test_the_program_goes_on_and_waits_for_no_thread(self, how, tree, backend):
        goes_on(how, tree, backend, 0)

    @pytest.mark.parametrize("how", ["run", "serve"])
    def test_it_goes_on_once_a_child_that_refused_has_ended_after_all(self, how, backend):
        log = goes_on(how, "late", backend, 70)
        assert (
            "waits for what still runs and cannot be ended: root/a in refuse_for_a_while (application/endings.py:"
            in log
        )

    def test_and_so_does_the_block_of_open_supervisor(self, backend):
        goes_on("open", "late", backend, 0, signals=0)

    @pytest.mark.parametrize("how", ["run", "serve"])
    def test_while_it_waits_signals_mean_what_they_did_before(self, how, backend):
        with program("endings.py", f"{how}:never:{backend}") as process:
            read_until(process.stdout, "up")
            process.send_signal(signal.SIGTERM)
            while "waits for what still runs" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait() == -signal.SIGTERM

    def test_a_forked_child_is_ended_alone(self, backend):
        with program("endings.py", f"serve:forking:{backend}") as process:
            assert process.stdout.readline() == "ended [-15]\n"
            read_until(process.stdout, "up")
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 11


def goes_on(how, tree, backend, code, *, signals=1):
    """What a program says that goes on when its tree has ended with this code."""
    with program("endings.py", f"{how}:{tree}:{backend}") as process:
        read_until(process.stdout, "up")
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
        read_until(process.stdout, f"went on with {code}")
        ending, log = ended(process)
    assert ending == 11
    return log


# ------------------------------------------------------------------------------------------------ a program of one's own


def test_a_program_that_serves_a_tree_as_its_last_act_ends_with_it():
    """Its own clean-up hangs."""
    with program("endings.py", "end_with") as process:
        read_until(process.stdout, "up")
        process.send_signal(signal.SIGTERM)
        code, log = ended(process)
    assert code == 0
    assert "with this still running: task endings.hanging_program" in log.splitlines()[-1].replace(
        "__main__", "endings"
    )


def test_nobody_who_catches_the_exit_of_main_goes_on_for_long():
    with program("endings.py", "catch") as process:
        read_until(process.stdout, "caught 0")
        code, log = ended(process)
    assert code == 0
    assert "the main thread in " in log.splitlines()[-1]


def test_a_program_that_raises_ends_as_python_does():
    with program("endings.py", "raise") as process:
        code, log = ended(process)
    assert code == 1
    assert log.endswith("LookupError: bug\n")
