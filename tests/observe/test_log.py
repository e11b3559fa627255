"""The log of real trees, through loguru."""

import os
import pty
import subprocess
import sys
from functools import partial

import anyio
import pytest
from loguru import logger

from otp import Restart, Strategy, log_events, open_supervisor, supervisor, worker
from otp.events import ChildRestarting, ChildStarted
from otp.testing import Crash, EventRecorder, FailStart, IgnoreStart, Probe, Run


class Lines:
    """What was logged: `text` at INFO and above as `LEVEL message`, and all records."""

    def __init__(self):
        self.records = []

    def __call__(self, message):
        self.records.append(message.record)

    @property
    def text(self):
        return [f"{r['level'].name} {r['message']}" for r in self.records if r["level"].no >= logger.level("INFO").no]


@pytest.fixture
def lines():
    lines = Lines()
    sink = logger.add(lines, level=0, diagnose=False, backtrace=False)
    yield lines
    logger.remove(sink)


async def test_a_healthy_tree_says_nothing(lines):
    ignored = Probe("c", IgnoreStart())
    children = [Probe("a").spec(), supervisor("sub", children=[Probe("b").spec(), ignored.spec()])]
    async with open_supervisor(supervisor("root", children=children), hooks=[log_events()]) as root:
        await root.start_child(worker("once", anyio.sleep, 0, restart=Restart.TEMPORARY))
    assert lines.text == []
    assert lines.records  # … but it is there for whoever asks for DEBUG


@pytest.mark.virtual_time
async def test_a_crash_is_a_line_and_the_recovery_another(lines):
    async def recover(*, task_status):
        await anyio.sleep(0.25)
        task_status.started()
        if len(starts) == 0:
            starts.append(1)
            raise ConnectionError("1012 service restart")
        await anyio.sleep_forever()

    starts = []
    events = EventRecorder()
    tree = supervisor("root", intensity=5, period=60.0, children=[worker("feed", recover, ready=True)])
    async with open_supervisor(tree, hooks=[log_events(), events]):
        await events.wait_for(ChildStarted, "root/feed", count=2)
    crash, again = lines.text
    assert crash.startswith(
        "WARNING root/feed  restarting after ConnectionError: 1012 service restart  (1 of 5 in 60 s)  ["
    )
    assert crash.endswith("recover]")
    assert again == "INFO root/feed  up again after 250.0 ms"


@pytest.mark.virtual_time
async def test_a_start_that_fails_and_is_tried_again_is_told_once(lines):
    feed = Probe("feed", Crash(RuntimeError("boom"), after=1.0), FailStart(OSError("refused")), Run())
    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[feed.spec()]), hooks=[log_events(), events]):
        await events.wait_for(ChildStarted, "root/feed", count=2)
    said = [line.split("  [")[0] for line in lines.text]
    assert said[:3] == [
        "WARNING root/feed  restarting after RuntimeError: boom  (1 of 3 in 5 s)",
        "ERROR root/feed  did not start: OSError: refused",
        "WARNING root/feed  starting it again  (2 of 3 in 5 s)",
    ]


async def test_a_restart_by_request_and_its_company_are_called_that(lines):
    a, b, events = Probe("a"), Probe("b"), EventRecorder()
    tree = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=[a.spec(), b.spec()])
    async with open_supervisor(tree, hooks=[log_events(), events]) as root:
        await root.restart("a")
        await events.wait_for(ChildStarted, "root/b", count=2)
    assert "INFO root/a  restarted by request" in lines.text
    assert "INFO root/b  restarted along with a sibling" in lines.text
    assert all(line.startswith("INFO") for line in lines.text)


@pytest.mark.virtual_time
async def test_what_comes_back_with_its_supervisor_is_told_by_that_one_alone(lines):
    async def come_up(*, task_status):
        await anyio.sleep(0.25)
        task_status.started()
        await anyio.sleep_forever()

    a, events = Probe("a"), EventRecorder()
    sub = supervisor("sub", intensity=0, children=[a.spec(), worker("b", come_up, ready=True)])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[log_events(), events]):
        a.crash()
        await events.wait_for(ChildStarted, "root/sub", count=2)
    assert [line.split("  ")[0] for line in lines.text] == [
        "ERROR root/sub",  # gives up
        "WARNING root/sub",  # restarting
        "INFO root/sub",  # up again
    ]


async def test_an_error_while_stopping_is_a_warning(lines):
    a = Probe("a", Run(error=ValueError("unsaved")))
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[log_events()]):
        pass
    (line,) = lines.text
    assert line.startswith("WARNING root/a  raised while it was stopped: ValueError: unsaved  [")


async def test_what_a_child_says_is_never_a_format_nor_a_second_line(lines):
    hostile = "{path} {0} {} <red>red</red>\n09:30:00.000 CRITICAL  root  is down"
    a, events = Probe("a"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[log_events(), events]):
        a.crash(RuntimeError(hostile))
        await events.wait_for(ChildRestarting, "root/a")
    assert "RuntimeError: {path} {0} {} <red>red</red> 09:30:00.000 CRITICAL  root  is down  (1 of 3" in lines.text[0]


async def test_a_hook_that_fails_is_reported_by_the_log(lines):
    def broken(event):
        raise KeyError("pager")

    async with open_supervisor(supervisor("root"), hooks=[log_events(), broken]):
        pass
    (line,) = lines.text
    assert line.startswith("ERROR root  event hook ")
    assert "broken raised and is detached: KeyError: 'pager'" in line


async def test_records_carry_what_a_structured_sink_wants(lines):
    a, events = Probe("a"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[log_events(), events]):
        a.crash()
        await events.wait_for(ChildRestarting, "root/a")
    record = next(r for r in lines.records if r["extra"]["event"] == "child.restarting")
    assert (record["extra"]["path"], record["extra"]["generation"]) == ("root/a", 2)
    assert record["extra"]["frames"][-1].endswith("_obey")
    assert record["exception"] is None
    assert {r["extra"]["generation"] for r in lines.records if r["extra"]["event"].startswith("supervisor.")} == {None}


# ------------------------------------------------------------------------------------------------ standard error


@pytest.fixture
def stderr_of(tmp_path):
    return partial(run_program, tmp_path / "program.py")


def run_program(file, code, **env):
    file.write_text(code)  # a file, for the lines of a traceback
    env = {"PATH": "", "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"], **env}
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=30, check=True, env=env)
    return done.stderr


CHILD = """
import otp, sys
from loguru import logger
async def child():
    secret = "sesame"
    logger.debug("child debug")
    logger.info("child info {}")
    try:
        open_(secret)
    except NameError:
        logger.exception("child failed")
    raise otp.ExitShutdown("line one\\nline two")
tree = otp.supervisor("root", auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT,
                      children=[otp.worker("a", child, restart=otp.Restart.TRANSIENT, significant=True)])
"""


def test_run_takes_the_place_of_the_sink_that_nobody_asked_for(stderr_of):
    said = stderr_of(CHILD + "otp.run(tree)")
    assert "INFO     child info {}" in said
    assert "child debug" not in said
    of_the_tree = [line for line in said.splitlines() if " root" in line and " root/" not in line]
    assert len(of_the_tree) == 1  # healthy: no word of the supervision before its end
    assert "INFO     root  stopped in " in of_the_tree[0]
    assert "open_(secret)" in said
    assert "sesame" not in said  # a traceback without the values of variables


def test_the_level_comes_from_the_environment(stderr_of):
    said = stderr_of(CHILD + "otp.run(tree)", LOGURU_LEVEL="DEBUG")
    assert "child debug" in said
    assert "DEBUG    root/a  ended: shutdown (line one line two)" in said


def test_a_set_up_of_ones_own_is_left_alone(stderr_of):
    own = "logger.remove(); logger.add(sys.stderr, format='OWN {message}', level='INFO')\n"
    said = stderr_of(CHILD + own + "otp.run(tree)")
    assert said.splitlines()[0] == "OWN child info {}"


def test_a_sink_of_ones_own_is_kept_beside_the_log(stderr_of):
    own = "logger.add(sys.stderr, format='OWN {message}', level='INFO')\n"
    said = stderr_of(CHILD + own + "otp.run(tree)").splitlines()
    assert "OWN child info {}" in said
    assert any(line.endswith("INFO     child info {}") for line in said)


def test_with_loguru_told_to_begin_without_sinks_there_is_none(stderr_of):
    assert stderr_of(CHILD + "otp.run(tree)", LOGURU_AUTOINIT="False") == ""
    own = "logger.add(sys.stderr, format='OWN {message}', level='INFO')\n"
    assert "OWN child info {}" in stderr_of(CHILD + own + "otp.run(tree)", LOGURU_AUTOINIT="False")


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_wants_none(tmp_path, env, coloured):
    (tmp_path / "program.py").write_text(CHILD + "otp.run(tree)")
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, str(tmp_path / "program.py")], stderr=theirs, timeout=30, check=True, env=env)
        said = os.read(ours, 10_000)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (b"\x1b[" in said) is coloured
