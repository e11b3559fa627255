"""The command line against a real `otp run`: a process of its own, its socket, its tree."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from click.testing import CliRunner

from otp.cli import command

HERE = pathlib.Path(__file__).parent


class Program:
    """`otp run` in a process of its own, with its sockets in a folder of its own."""

    def __init__(self, target, *options):
        self.app = target.partition(":")[2].replace("tree", "corner")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otp", "run", f"corner_shop:{target.partition(':')[2]}", *options],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.socket = pathlib.Path(os.environ["XDG_RUNTIME_DIR"]) / "otp" / f"{self.app}.sock"
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            assert self.process.poll() is None, self.process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def __call__(self, *arguments, socket=None):
        return CliRunner().invoke(command, [*arguments, "-S", str(socket or self.socket)])

    def rows(self):
        found = json.loads(self("ps", "-o", "json").stdout)
        return {row["path"].removeprefix(f"{self.app}/"): row for row in found["children"]}

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def program(request):
    found = Program("corner_shop:tree", "--faults", "--backend", request.param)
    found.backend = request.param
    yield found
    found.end()


@pytest.fixture
def corner(program):
    """The program, with everything up."""
    for path, row in program.rows().items():
        if row["state"] == "stopped":
            program("start", path)
    assert program("wait", "corner", "--for", "ready", "--timeout", "20s").exit_code == 0
    return program


def test_the_running_tree_is_drawn(corner):
    result = corner("tree")
    assert result.exit_code == 0
    head, _, *lines = result.stdout.splitlines()
    assert head.startswith(f"corner  pid {corner.process.pid} · up ")
    assert "6/6 up" in head
    assert corner.backend in head or "uvloop" in head
    assert [line.split("  ")[0].strip(" │├└─") for line in lines][:2] == ["corner", "till"]
    assert len(lines) == 7


def test_a_restart_is_counted_as_manual_and_touches_nobody_else(corner):
    before = corner.rows()
    result = corner("restart", "till", "--reason", "new key")
    after = corner.rows()
    assert result.exit_code == 0
    assert result.stdout.startswith("restarted corner/till  running → running  in ")
    assert "(others untouched: 5)  op " in result.stdout
    assert after["till"]["manual"] == before["till"]["manual"] + 1
    assert after["till"]["crashes"] == before["till"]["crashes"]
    assert all(after[path]["generation"] == row["generation"] for path, row in before.items() if path != "till")
    assert "new key" in corner("events", "till").stdout


def test_siblings_are_named_when_the_strategy_takes_them_along(corner):
    said = corner("restart", "stock/cellar").stdout
    assert "  and with it: corner/stock/truck\n" in said
    assert "(others untouched: 4)" in said
    planned = corner("restart", "stock/shelf", "--dry-run").stdout
    assert planned.endswith(
        "  and with it: corner/stock/cellar, corner/stock/truck\n"
        "  if its start fails: it stays failed until it is restarted by request\n"
        "  if a child refuses to stop: stock gives up, and corner and the process may end with it\n"
        "untouched: 3\n"
    )


def test_a_dry_run_does_nothing(corner):
    before = corner.rows()["till"]["generation"]
    assert corner("restart", "till", "--dry-run").exit_code == 0
    assert corner.rows()["till"]["generation"] == before


def test_many_need_to_be_meant(corner):
    refused = corner("stop", "stock/*")
    assert refused.exit_code == 5
    assert "corner/stock/shelf, corner/stock/cellar, corner/stock/truck; add --all" in refused.stderr
    assert corner("stop", "stock/*", "--all").exit_code == 0
    assert {row["state"] for path, row in corner.rows().items() if path.startswith("stock/")} == {"stopped"}
    assert corner("health").exit_code == 3


def test_a_stopped_child_stays_down_until_it_is_started(corner):
    assert corner("stop", "till").exit_code == 0
    assert corner("wait", "till", "--for", "down").exit_code == 0
    assert corner("ps", "till").exit_code == 3
    assert "otp start corner/till" in corner("why", "till").stdout
    assert corner("start", "till").stdout.startswith("started corner/till  stopped → running")
    assert "it is up already" in corner("start", "till").stdout


def test_maintenance_begins_and_ends(corner):
    assert corner("pause", "stock", "--for", "10m").exit_code == 0
    assert "maintenance, 00:09:5" in corner("ps", "stock").stdout
    assert corner("resume", "stock").exit_code == 0
    assert not any(row["paused"] for row in corner.rows().values())


def test_a_streak_is_forgotten_on_request(corner):
    corner("fault", "crash", "till")
    corner("wait", "till")
    assert corner("reset", "till").exit_code == 0
    assert corner.rows()["till"]["streak"] == 0


def test_an_injected_crash_opens_an_incident_that_says_so_and_can_be_resolved(corner):
    assert corner("fault", "crash", "stock/truck").exit_code == 0
    assert corner("wait", "stock/truck").exit_code == 0
    found = json.loads(corner("incidents", "stock/truck", "-o", "json").stdout)["incidents"][0]
    assert (found["path"], found["injected"]) == ("corner/stock/truck", True)
    assert corner("incidents", "resolve", found["id"]).exit_code == 0
    assert corner("incidents", "resolve", found["id"]).exit_code == 4
    assert found["id"] not in corner("incidents").stdout
    assert found["id"] in corner("incidents", "--all").stdout


def test_the_stack_of_a_worker_shows_its_own_steps(corner):
    said = corner("stack", "till").stdout
    assert said.startswith("corner/till  RUNNING\n  serve (cli/corner_shop.py:")
    assert "→ customer (cli/corner_shop.py:" in said


def test_one_child_is_described_explained_and_told_of(corner):
    assert "worker, permanent" in corner("describe", "till").stdout
    assert "a restart touches 3: corner/stock/shelf, " in corner("explain", "stock/shelf").stdout
    assert "INFO     till is open" in corner("why", "till").stdout
    assert "corner is the root" in corner("explain", "corner").stderr
    assert corner("describe", "corner").exit_code == 0


def test_an_unknown_child_is_told_the_nearest(corner):
    for words in (("restart", "til"), ("why", "til"), ("stack", "til"), ("ps", "til"), ("wait", "til")):
        result = corner(*words)
        assert result.exit_code == 4, words
        assert "did you mean corner/till" in result.stderr, words


def test_events_are_followed_while_they_happen(corner):
    with subprocess.Popen(
        [sys.executable, "-m", "otp", "events", "-f", "-n", "0", "-o", "jsonl", "till", "-S", str(corner.socket)],
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        done = False
        deadline = time.monotonic() + 30
        while not done and time.monotonic() < deadline:  # it may not follow yet when the first one happens
            corner("restart", "till")
            time.sleep(0.2)
            os.set_blocking(following.stdout.fileno(), False)
            line = following.stdout.readline()
            done = bool(line)
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
    assert json.loads(line)["path"] == "corner/till"


def test_the_socket_for_looking_takes_no_acts(corner):
    read_only = corner.socket.with_suffix(".ro.sock")
    assert corner("ps", socket=read_only).exit_code == 0
    refused = corner("restart", "till", socket=read_only)
    assert refused.exit_code == 5
    assert "only" in refused.stderr


def test_a_blocked_loop_is_shown_while_it_blocks(corner):
    assert corner("fault", "block-loop", "till", "--for", "3s").exit_code == 0
    deadline = time.monotonic() + 20
    while "BLOCKED for" not in (result := corner("tree")).stdout:
        assert time.monotonic() < deadline, result.output
    assert result.exit_code == 3
    assert "by corner/till" in result.stdout
    while corner("health", "--timeout", "20s").exit_code != 0:
        assert time.monotonic() < deadline + 20


def test_the_only_process_is_found_and_of_several_one_is_named(corner, monkeypatch):
    monkeypatch.delenv("OTP_SOCKET", raising=False)
    assert CliRunner().invoke(command, ["health"]).exit_code == 0
    other = Program("corner_shop:burning")
    try:
        several = CliRunner().invoke(command, ["health"])
        assert several.exit_code == 6
        assert "burning, corner; name one with --socket NAME" in several.stderr
        assert CliRunner().invoke(command, ["health", "-S", "corner"]).exit_code == 0
        assert other("fault", "crash", "till").exit_code == 5
    finally:
        other.end()


def test_a_child_that_was_given_up_says_how_to_start_it():
    burning = Program("corner_shop:burning")
    try:
        assert burning("wait", "till").exit_code == 0
        assert burning("ps").exit_code == 3
        said = burning("why", "oven").stdout
        assert "burning/oven  FAILED" in said
        assert "PermissionError: no licence" in said
        assert "otp restart burning/oven" in said
        assert burning("wait", "burning", "--timeout", "200ms").exit_code == 7
    finally:
        burning.end()


def test_a_drained_process_ends_with_0():
    program = Program("corner_shop:burning")
    dry = program("drain", "--dry-run")
    assert dry.stdout == "would stop burning, 2 children, in this order:\n  burning/oven\n  burning/till\n"
    result = program("drain", "--within", "20s")
    assert result.exit_code == 0
    assert result.stdout.startswith("drained burning  2 children stopped  in ")
    assert program.process.wait(20) == 0
    program.process.communicate()
    assert program("ps").exit_code == 6


def opened_by(pid):
    for number in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed again
            yield str(number.readlink())


def until_it_waits(pid):
    """Until a command has connected, and has had nothing to do for a while."""
    deadline, work, since = time.monotonic() + 30, None, time.monotonic()
    while time.monotonic() < deadline:
        connected = any("socket:" in where for where in opened_by(pid))
        done = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] if connected else None
        if done != work:
            work, since = done, time.monotonic()
        if connected and time.monotonic() - since > 1.0:
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to wait")


def test_whoever_waits_for_the_end_is_told():
    program = Program("corner_shop:burning")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "otp", "wait", "burning", "--for", "down", "-S", str(program.socket)],
        stdout=subprocess.PIPE,
        text=True,
    )
    until_it_waits(waiting.pid)
    program.end()
    said, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert said.startswith("burning  STOPPED  after ")
