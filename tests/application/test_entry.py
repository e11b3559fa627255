"""`otp.main` as a program: real processes, real signals, on every backend."""

import asyncio
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import anyio
import pytest
from loguru import logger

import otp
from otp.application.entry import serve
from otp.core.inputs import Exited
from otp.core.machine import SupervisorMachine
from otp.events import SupervisorExited
from otp.extras import install
from otp.testing import EventRecorder

PROGRAMS = pathlib.Path(__file__).parents[1] / "programs.py"


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def backend(request):
    return request.param


class Program:
    """One program in a process of its own; `said` is what it has printed so far."""

    def __init__(self, name, backend, *options):
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAMS), name, backend, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        self.watchdog = threading.Timer(30, self.process.kill)

    def __enter__(self):
        self.watchdog.start()
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def wait_for(self, *lines):
        """Read on until all these lines have come, in whatever order."""
        missing = set(lines)
        while missing:
            line = self.process.stdout.readline()
            assert line, f"ended before {missing}, having said {self.said} and {self.process.stderr.read()}"
            self.said.append(line.rstrip())
            missing.discard(line.rstrip())

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Exit code and log, once it has ended."""
        out, log = self.process.communicate()
        self.said.extend(out.splitlines())
        return self.process.returncode, log

    def end_in_order(self):
        """Exit code, once it has ended with nothing in its log but how long the stop took."""
        code, log = self.end()
        assert re.fullmatch(
            r"\S+ INFO     root  stopped in [0-9.]+ m?s, (after SIG|by itself|after SystemExit).*\n", log
        )
        return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_the_tree_in_order_and_one_line_says_how_that_went(backend, number):
    with Program("calm", backend) as program:
        program.wait_for("start a", "start b", "start c")
        program.signal(number)
        assert program.end_in_order() == 0
        assert [line for line in program.said if line.startswith("end")] == ["end c", "end b", "end a"]


def test_the_second_signal_ends_what_is_left_at_once(backend):
    with Program("slow_stop", backend) as program:
        program.wait_for("start a", "start b")
        program.signal(signal.SIGTERM)
        program.wait_for("stopping b")
        began = time.monotonic()
        program.signal(signal.SIGINT)
        code, log = program.end()
        assert code == 128 + signal.SIGINT
        assert time.monotonic() - began < 5
        assert "end a" in program.said  # it could be cancelled, so its clean-up ran
        assert "root/b  refuses to stop" in log  # the shielded one could not


def test_a_stop_that_takes_longer_than_its_grace_ends_at_once(backend):
    with Program("slow_stop", backend, "0.1") as program:
        program.wait_for("start a", "start b")
        program.signal(signal.SIGTERM)
        code, _ = program.end()
        assert code == 128 + signal.SIGTERM
        assert "end a" in program.said


def test_a_signal_during_a_slow_start_stops_what_has_started(backend):
    with Program("slow_start", backend) as program:
        program.wait_for("start a", "start b")
        program.signal(signal.SIGTERM)
        assert program.end_in_order() == 0
        assert "start c" not in program.said
        assert program.said[-3:] == ["end b", "stopping a", "end a"]


def test_a_child_that_refuses_to_stop_is_named_with_the_place_where_it_hangs(backend):
    with Program("refusing", backend) as program:
        program.wait_for("start a", "start b", "start c")
        began = time.monotonic()
        program.signal(signal.SIGTERM)
        code, log = program.end()
        assert code == 70
        assert time.monotonic() - began < 5  # 0.05 s of shutdown, 0.5 s to be killed, 0.2 s to end after all
        assert [line for line in program.said if line.startswith("end")] == ["end c", "end a"]
        late, refused, down, last = log.splitlines()
        assert "root/b  did not end within 50.0 ms and is killed; it hangs in refuse (tests/programs.py:" in late
        assert "root/b  refuses to stop and still runs; it hangs in refuse (tests/programs.py:" in refused
        assert "root  is down: root/b refused to stop" in down
        assert "the process exits with code 70, with this still running: root/b in refuse (" in last
        assert "hang (tests/programs.py:" in last


def test_a_tree_that_gives_up_exits_with_70(backend):
    with Program("giving_up", backend) as program:
        code, log = program.end()
        assert code == 70
        assert "end a" in program.said
        restarting, gives_up, down, stopped = (line.split(maxsplit=1)[1].split("  [")[0] for line in log.splitlines())
        assert restarting == "WARNING  root/b  restarting after ValueError: bad {tick}  (1 of 1 in 5 s)"
        assert gives_up.startswith(
            "ERROR    root  gives up: root/b ended once more after 1 restart in 5 s (ValueError: "
        )
        assert gives_up.endswith("(ValueError: bad {tick}); the whole tree stops")
        assert down == "CRITICAL root  is down: it gave up"
        assert stopped.startswith("INFO     root  stopped in ")


def test_a_tree_that_does_not_start_exits_with_70(backend):
    with Program("not_starting", backend) as program:
        code, log = program.end()
        assert code == 70
        assert "end a" in program.said
        assert "root/b  did not start: ValueError: bad" in log


def test_a_wrong_spec_met_on_the_way_exits_with_78(backend):
    with Program("misconfigured", backend) as program:
        code, log = program.end()
        assert code == 78
        assert "SpecError: wrong" in log


def test_a_fatal_failure_restarts_nothing_and_exits_with_78(backend):
    with Program("fatal", backend) as program:
        code, log = program.end()
        assert code == 78
        assert "end a" in program.said
        assert "CRITICAL root/below  ends: root/below/b failed for good (key_error: KeyError: 'url')" in log
        assert "restarting" not in log


def test_sys_exit_in_a_child_stops_the_tree_in_order_and_keeps_its_code(backend):
    with Program("exiting", backend) as program:
        assert program.end_in_order() == 3
        assert program.said[-4:] == ["stopping c", "end c", "stopping a", "end a"]


def test_a_keyboard_interrupt_in_a_child_stops_the_tree_in_order_and_goes_on_upwards(backend):
    with Program("interrupted", backend) as program:
        code, log = program.end()
        assert code == 128 + signal.SIGINT
        assert re.search("root  stopped in [0-9.]+ m?s, after KeyboardInterrupt\n$", log)
        assert program.said[-4:] == ["stopping c", "end c", "stopping a", "end a"]


def test_a_tree_that_ends_by_itself_exits_with_0(backend):
    with Program("finite", backend) as program:
        assert program.end_in_order() == 0


class TestInOneProcess:
    def test_own_hooks_take_the_place_of_the_log(self, capfd):
        events = EventRecorder()
        assert otp.run(finite(), hooks=[events]) == 0
        assert events.of(SupervisorExited, "root")
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize(("uvloop", "module"), [(None, "uvloop"), (True, "uvloop"), (False, "asyncio")])
    def test_asyncio_runs_on_uvloop_where_it_is_installed_unless_told_otherwise(self, uvloop, module):
        loops = []
        otp.run(finite(loops), hooks=[], uvloop=uvloop)
        assert type(loops[0]).__module__.partition(".")[0] == module

    def test_a_failure_of_the_supervision_itself_is_reported_in_full(self, monkeypatch, log):
        monkeypatch.setattr(SupervisorMachine, "_HANDLERS", SupervisorMachine._HANDLERS | {Exited: lambda *_: 1 / 0})
        assert otp.run(finite(), hooks=[]) == 70
        assert "otp itself failed, please report it:\nZeroDivisionError: division by zero\n  " in log[0]
        assert "core/machine.py:" in log[0]

    def test_in_a_loop_that_runs_already_it_gives_the_handle_before_the_start(self):
        def look(root):
            seen.append((root.path, root.child("a").state))

        async def program():
            return await serve(finite(), opened=look)

        seen = []
        assert anyio.run(program) == 0
        assert seen == [("root", "pending")]

    def test_what_runs_beside_the_tree_has_its_handle_and_lasts_as_long_as_it(self, backend):
        async def look(root):
            seen.append((root.path, root.child("a").state))
            try:
                await anyio.sleep_forever()
            finally:
                seen.append("over")

        seen = []
        backend = {"backend": "trio"} if backend == "trio" else {"uvloop": backend == "uvloop"}
        tree = otp.supervisor("root", children=[otp.worker("a", crash_soon)], intensity=0)
        assert otp.run(tree, hooks=[], beside=[look, look], **backend) == 70
        assert [what[0] for what in seen[:2]] == ["root", "root"]
        assert seen[2:] == ["over", "over"]

    def test_what_fails_beside_the_tree_stops_it_in_order_and_is_reported_in_full(self, log):
        async def fail(_):
            raise LookupError("beside")

        events = EventRecorder()
        tree = otp.supervisor("root", children=[otp.worker("a", anyio.sleep_forever)])
        assert otp.run(tree, hooks=[events], beside=[fail]) == 70
        assert [str(event.exit) for event in events.of(SupervisorExited, "root")] == ["shutdown"]
        assert "LookupError: beside" in log[0]

    @pytest.mark.parametrize("uvloop", [False, True])
    def test_a_library_that_cancels_all_tasks_ends_the_program_with_a_reason_and_a_code(self, uvloop, log):
        async def cancel_all(_):
            await anyio.sleep(0.1)  # one that is cancelled before its first line leaves Python complaining
            for task in asyncio.all_tasks():
                task.cancel()
            await anyio.sleep_forever()

        events = EventRecorder()
        tree = otp.supervisor("root", children=[otp.worker("a", anyio.sleep_forever)])
        assert otp.run(tree, hooks=[events], beside=[cancel_all], uvloop=uvloop) == 70
        assert len(events.of(SupervisorExited, "root")) == 1
        assert any("the program's own task was cancelled, which is not ours to do" in line for line in log)

    def test_the_signals_are_given_back(self):
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        otp.run(finite(), hooks=[])
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    def test_what_is_not_a_tree_is_refused(self):
        with pytest.raises(otp.SpecError, match="run\\(\\) expects a tree, got a ChildSpec"):
            otp.run(otp.worker("a", anyio.sleep_forever))

    def test_main_refuses_it_before_anything_has_begun(self):
        with pytest.raises(otp.SpecError, match="main\\(\\) expects a tree, got a ChildSpec"):
            otp.main(otp.worker("a", anyio.sleep_forever))
        with pytest.raises(ValueError, match="exit_within: expected seconds, 0 or more, got -1"):
            otp.main(otp.supervisor("root"), exit_within=-1)

    def test_an_unknown_backend_is_refused(self):
        with pytest.raises(ValueError, match="backend: expected 'asyncio' or 'trio', got 'twisted'"):
            otp.run(otp.supervisor("root"), backend="twisted")

    def test_uvloop_on_trio_is_refused(self):
        with pytest.raises(ValueError, match="uvloop=True expects backend='asyncio', got 'trio'"):
            otp.run(otp.supervisor("root"), backend="trio", uvloop=True)

    @pytest.mark.parametrize(("options", "missing"), [({"backend": "trio"}, "trio"), ({"uvloop": True}, "uvloop")])
    def test_a_loop_that_is_not_installed_says_what_to_install(self, options, missing, monkeypatch):
        monkeypatch.setattr("otp.application.entry.find_spec", lambda _: None)
        with pytest.raises(ValueError, match=f"{missing} is not installed; {re.escape(install(missing))}"):
            otp.run(otp.supervisor("root"), **options)


def finite(loops=None):
    async def look():
        if loops is not None:
            loops.append(asyncio.get_running_loop())

    return otp.supervisor(
        "root",
        auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT,
        children=[otp.worker("a", look, restart=otp.Restart.TEMPORARY, significant=True)],
    )


async def crash_soon():
    await anyio.sleep(0.01)
    raise ValueError("bad")


@pytest.fixture
def log():
    lines = []
    sink = logger.add(lines.append, format="{message}", level="INFO", diagnose=False)
    yield lines
    logger.remove(sink)
