"""Commands that go on: -w, events -f, wait."""

import codecs
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from otp.control.wire.commands import GetEvents, GetHealth, GetIncidents, GetSnapshot, Watch
from otp.control.wire.protocol import Events, Incidents
from otp.control.wire.rows import Blocked, Delta
from tests.cli import rows
from tests.cli.rows import NOW, WS_WORKER, child, down, event, snapshot

UP = child(WS_WORKER.path, up_s=0.5, crashes=6)


def delta(seq=813, changed=(), removed=(), events=(), **fields):
    row = {
        "seq": seq,
        "wall": NOW + seq - 812,
        "state": "degraded",
        "blocked": None,
        "root": rows.snapshot().root,
        "changed": tuple(changed),
        "removed": tuple(removed),
        "needs": (),
        "open_incidents": 0,
        "events": tuple(events),
    }
    return Delta(**row | fields)


def watched(*messages, **more):
    return {GetSnapshot: snapshot(), Watch: lambda _: iter(messages)} | more


# ------------------------------------------------------------------------------------------------ -w


def test_a_watched_list_is_a_new_block_at_each_change_until_the_process_ends(otp_of):
    result = otp_of(watched(snapshot(), delta(changed=[UP])))("ps", "workers/ws_worker", "-w")
    assert result.exit_code == 6
    assert result.stderr == "Error: massive has ended\n"
    first, second = result.stdout.split("\n\n")
    assert "BACKOFF  next 7." in first
    assert "RUNNING  500 ms  6" in second


def test_a_watched_list_as_jsonl_is_what_has_changed(otp_of):
    messages = snapshot(), delta(changed=[UP]), delta(removed=["massive/feeds"])
    lines = otp_of(watched(*messages))("ps", "-w", "-o", "jsonl").stdout.splitlines()
    assert len(lines) == 20 + 1 + 1
    assert json.loads(lines[20])["state"] == "running"
    assert json.loads(lines[21]) == {"schema": 1, "path": "massive/feeds", "removed": True}
    chosen = otp_of(watched(*messages))("ps", "workers", "-w", "-o", "jsonl").stdout.splitlines()
    assert len(chosen) == 4 + 1


def test_a_watched_tree_has_the_newest_head(otp_of):
    said = otp_of(watched(snapshot(), delta(changed=[UP], state="stopping")))("tree", "-w").stdout
    assert "14/20 up · 1 open incident" in said.split("\n\n")[0]
    assert "15/20 up, stopping" in said.split("\n\n")[1]


def test_watched_health_is_asked_again_at_each_change(otp_of):
    answers = iter([rows.SICK, rows.SICK, rows.HEALTHY])
    otp = otp_of(watched(snapshot(), delta(changed=[UP])) | {GetHealth: lambda _: next(answers)})
    said = otp("health", "-w").stdout
    assert said.count("degraded") + said.count("massive  up  2/2 up") == said.count("live, ready")
    assert "massive  up  2/2 up" in said or said.count("degraded") == 2


def test_watched_incidents_as_jsonl_are_the_new_ones(otp_of):
    old, new = rows.incident(), rows.incident(id="1HB3V0ZK9999", count=1)
    answers = iter([Incidents((old,)), Incidents((new, old))])
    otp = otp_of(watched(snapshot(), delta()) | {GetIncidents: lambda _: next(answers)})
    lines = otp("incidents", "-w", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [old.id, new.id]


def test_watched_incidents_stay_on_the_screen_while_the_event_loop_is_blocked(otp_of):
    new = rows.incident(id="1HB3V0ZK9999", count=1)
    answers = iter([Incidents((rows.incident(),)), ("blocked", "the event loop has not turned"), Incidents((new,))])
    blocked = Blocked(path="massive/a", seconds=3.2, stack=("model.py:88 fit",))
    messages = (snapshot(), delta(blocked=blocked), delta(seq=814, changed=[UP]))
    result = otp_of(watched(*messages) | {GetIncidents: lambda _: next(answers)})("incidents", "-w")
    first, second, third = result.stdout.strip().split("\n\n")
    assert second.splitlines() == ["BLOCKED for 3.2 s by massive/a in model.py:88 fit", *first.splitlines()]
    assert new.id in third


def test_a_path_that_is_not_there_is_not_watched(otp_of):
    result = otp_of(watched(snapshot()))("ps", "nobody", "-w")
    assert result.exit_code == 4


def test_a_watch_that_is_refused_says_why(otp_of):
    result = otp_of({GetSnapshot: snapshot(), Watch: ("blocked", "the loop does not turn")})("tree", "-w")
    assert (result.exit_code, result.stderr) == (7, "Error: the loop does not turn\n")


# ------------------------------------------------------------------------------------------------ events -f


def test_followed_events_go_on_where_the_last_ones_ended(otp_of):
    first = Events((event(812, "before"),))
    more = delta(814, events=[event(812, "before"), event(813, "new"), event(814, "newer")])
    otp = otp_of(watched(snapshot(), more) | {GetEvents: first})
    result = otp("events", "-f")
    assert result.exit_code == 6
    assert [line.rpartition("  ")[2] for line in result.stdout.splitlines()] == ["before", "new", "newer"]


def test_a_follower_that_was_too_slow_is_told_what_it_missed(otp_of):
    answers = iter(
        [Events((event(1, "one"),)), Events((event(1, "one"),)), Events((event(1, "one"), event(2, "missed")))]
    )
    otp = otp_of(
        watched(snapshot(), snapshot(), delta(events=[event(3, "three")])) | {GetEvents: lambda _: next(answers)}
    )
    assert [line.rpartition("  ")[2] for line in otp("events", "-f").stdout.splitlines()] == ["one", "missed", "three"]


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ((), ["warned", "elsewhere"]),
        (("-v",), ["warned", "healthy", "elsewhere"]),
        (("workers",), ["warned"]),
        (("massive/workers/ws*",), ["warned"]),
    ],
)
def test_a_follower_sees_what_it_wants(otp_of, arguments, seen):
    happened = event(1, "warned"), event(2, "healthy", level="DEBUG"), event(3, "elsewhere", path="massive/feeds")
    otp = otp_of(watched(snapshot(), delta(events=happened)) | {GetEvents: Events(())})
    wanted = [text for text in seen if text != "healthy" or "-v" in arguments]
    assert [line.rpartition("  ")[2] for line in otp("events", "-f", *arguments).stdout.splitlines()] == wanted


def test_followed_events_as_jsonl_are_a_document_each(otp_of):
    otp = otp_of(watched(snapshot(), delta(events=[event(2, "two")])) | {GetEvents: Events((event(1, "one"),))})
    lines = [json.loads(line) for line in otp("events", "-f", "-o", "jsonl").stdout.splitlines()]
    assert [(line["schema"], line["seq"]) for line in lines] == [(1, 1), (1, 2)]


# ------------------------------------------------------------------------------------------------ wait


def test_what_is_reached_already_is_not_waited_for(otp_of):
    result = otp_of(watched(snapshot()))("wait", "orchestrator")
    assert result.exit_code == 0
    assert result.stdout.startswith("massive/orchestrator  RUNNING  after ")


def test_wait_ends_when_the_child_is_ready(otp_of):
    otp = otp_of(watched(snapshot(), delta(), delta(changed=[UP])))
    assert otp("wait", "massive/workers/ws_worker", "--for", "ready").exit_code == 0


def test_a_supervisor_is_ready_when_all_below_it_is(otp_of):
    assert otp_of(watched(snapshot()))("wait", "workers", "--timeout", "100ms").exit_code != 0
    assert otp_of(watched(snapshot(), delta(changed=[UP])))("wait", "workers").exit_code == 0


def test_wait_ends_when_the_child_is_down(otp_of):
    otp = otp_of(watched(snapshot(), delta(changed=[down("massive/orchestrator", "stopped")])))
    assert otp("wait", "orchestrator", "--for", "down").exit_code == 0


@pytest.mark.parametrize("state", ["starting", "running", "stopping", "refused"])
def test_what_still_runs_is_not_down(otp_of, state):
    otp = otp_of(watched(snapshot((child("massive/a", state=state, up_s=None),)), hold(0.3)))
    otp.server.answer(GetSnapshot, snapshot((child("massive/a"),)))
    assert otp("wait", "a", "--for", "down", "--timeout", "100ms").exit_code == 7


def hold(seconds):
    def nothing():
        time.sleep(seconds)
        return b""

    return nothing


def test_a_child_that_is_gone_is_down(otp_of):
    assert (
        otp_of(watched(snapshot(), delta(removed=["massive/feeds"])))("wait", "feeds", "--for", "down").exit_code == 0
    )


def test_the_end_of_the_process_is_down_and_never_ready(otp_of):
    assert otp_of(watched(snapshot()))("wait", "massive", "--for", "down").exit_code == 0
    result = otp_of(watched(snapshot()))("wait", "massive", "--for", "ready")
    assert (result.exit_code, result.stderr) == (6, "Error: massive has ended\n")


def test_wait_says_who_is_missing_when_the_time_is_over(otp_of):
    result = otp_of(watched(snapshot(), hold(0.5)))("wait", "massive", "--timeout", "100ms")
    assert result.exit_code == 7
    assert "massive is not ready yet: massive/workers/ws_worker is BACKOFF, next 7." in result.stderr
    assert "and 3 more; otp why PATH says why" in result.stderr


def test_wait_for_programs_has_the_child_and_the_time(otp_of):
    found = json.loads(otp_of(watched(snapshot()))("wait", "orchestrator", "-o", "json").stdout)
    assert (found["schema"], found["goal"], found["child"]["path"]) == (1, "ready", "massive/orchestrator")


# ------------------------------------------------------------------------------------------------ a real terminal


class Terminal:
    """`otp` on a terminal of its own."""

    KIND = "xterm-256color"

    def __init__(self, columns, lines, *arguments):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": self.KIND}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otp", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
        )
        os.close(slave)
        self.master = master
        self.said = ""
        self.decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may end within a character

    def until(self, text):
        deadline = time.monotonic() + 30
        while text not in self.said:
            assert time.monotonic() < deadline, f"{text!r} does not come: {self.said!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.said += self.decode(os.read(self.master, 65_536))

    def end(self):
        while True:
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                break
            if not data:
                break
            self.said += self.decode(data)
        os.close(self.master)
        return self.process.wait(10)


@pytest.fixture
def changing(otp_of):
    """A tree that changes once when `go` is set, and lives until the test ends."""
    go, over = threading.Event(), threading.Event()

    def messages(_):
        yield snapshot()
        go.wait(30)
        yield delta(changed=[UP])
        over.wait(30)

    otp = otp_of({GetSnapshot: snapshot(), Watch: messages})
    yield otp.server, go
    go.set()
    over.set()


def test_a_terminal_is_redrawn_in_place_and_given_back_at_ctrl_c(changing):
    server, go = changing
    terminal = Terminal(80, 40, "tree", "-w", "-S", str(server.path))
    terminal.until("BACKOFF")
    go.set()
    terminal.until("15/20 up")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.said.startswith("\x1b[?1049h")
    assert terminal.said.endswith("\x1b[?25h\x1b[?1049l\r\n")
    assert "\x1b[32mRUNNING\x1b[0m" in terminal.said
    assert "Traceback" not in terminal.said


def test_a_terminal_is_given_back_at_sigterm_too(changing):
    server, _ = changing
    terminal = Terminal(80, 40, "ps", "-w", "-S", str(server.path))
    terminal.until("BACKOFF")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    assert terminal.said.endswith("\x1b[?1049l")


def test_a_terminal_that_is_too_low_says_that_there_is_more(changing):
    server, _ = changing
    terminal = Terminal(80, 10, "ps", "-w", "-S", str(server.path))
    terminal.until("… 12 more lines")
    terminal.process.send_signal(signal.SIGINT)
    terminal.end()


@pytest.mark.parametrize("quiet", [("--no-color",), ()])
def test_colours_can_be_had_off(changing, quiet, monkeypatch):
    server, _ = changing
    if not quiet:
        monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(80, 40, "ps", *quiet, "-S", str(server.path))
    assert terminal.end() == 3
    assert "\x1b" not in terminal.said


def test_a_terminal_without_colours_gets_none(changing, monkeypatch):
    server, _ = changing
    monkeypatch.setattr(Terminal, "KIND", "dumb")
    terminal = Terminal(80, 40, "ps", "-S", str(server.path))
    assert terminal.end() == 3
    assert "\x1b" not in terminal.said


def test_the_width_of_a_terminal_is_kept(changing):
    server, _ = changing
    terminal = Terminal(60, 40, "ps", "--no-color", "-S", str(server.path))
    terminal.end()
    assert max(map(len, terminal.said.splitlines())) == 60


def test_a_closed_pipe_ends_it_without_a_traceback(otp_of):
    def messages(_):
        yield snapshot()
        for seq in range(813, 1_413):
            yield hold(0.02)
            yield delta(seq, changed=[UP])

    server = otp_of({GetSnapshot: snapshot(), Watch: messages}).server
    piped = f"{sys.executable} -m otp ps -o jsonl -w -S {server.path} | head -1"
    done = subprocess.run(["sh", "-c", piped], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.startswith('{"schema":1,')
    assert done.stderr == ""
