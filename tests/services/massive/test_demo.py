"""`otp demo` as a process: what it reports, and that it leaves nothing behind however it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHILDREN = ["orchestrator", "workers", "redis_publisher", "redis_consumer", "subscriptions", "ws_worker"]
RESTARTED = [
    ("the provider closes with 1012", {"ws_worker"}),
    ("redis_publisher crashes", {"redis_publisher"}),
    ("market-redis is killed for 3 s", {"redis_publisher", "redis_consumer", "subscriptions"}),
    ("in a copy the key is wrong", set()),
]


@pytest.fixture
def runtime():
    """Where the demo puts its sockets and its data; short, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="otp-") as folder:
        yield Path(folder)


@contextmanager
def demo(runtime, *arguments):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LOG", "MASSIVE_", "TRUTH_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "otp", "demo", "--for", "12", *arguments],
        cwd=ROOT,
        env=clean | {"XDG_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def servers_in(runtime):
    """Processes that were started with a path in this folder."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_text()
        except OSError:  # it has just ended
            continue
        if str(runtime) in words:
            found.append(words)
    return found


def names(paths):
    return {path.rpartition("/")[2] for path in paths}


def test_it_ends_by_itself_and_reports_what_each_fault_did_and_did_not_do(runtime):
    with demo(runtime, "-o", "json") as process:
        out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert (report["schema"], report["app"]) == (1, "massive")
    check_books(report)
    check_children(report["children"], process.pid)
    check_faults(report["faults"])
    check_progress(err)
    assert servers_in(runtime) == []
    assert list(runtime.iterdir()) == []


def check_books(report):
    assert 12 <= report["seconds"] < 40
    assert report["events_in"] > 5_000
    assert 0 <= report["events_in"] - report["events_out"] < 2_000  # a second's worth may be under way
    assert (report["lost"], report["duplicated"]) == (0, 0)
    assert report["heartbeats"] >= 10
    assert report["heartbeat_gaps"] == 0


def check_children(children, pid):
    assert [child["path"].rpartition("/")[2] for child in children] == CHILDREN
    for child in children:
        assert child.keys() == {"path", "pid", "gen", "crashes", "manual", "collateral", "downtime_s"}
        expected = sum(child["path"].rpartition("/")[2] in restarted for _, restarted in RESTARTED)
        assert (child["pid"], child["manual"], child["collateral"]) == (pid, 0, 0)
        assert (child["crashes"], child["gen"]) == (expected, 1 + expected)
        assert (child["downtime_s"] > 0) == (expected > 0)


def check_faults(faults):
    assert [fault["fault"] for fault in faults] == [fault for fault, _ in RESTARTED]
    for fault, (_, restarted) in zip(faults, RESTARTED, strict=True):
        assert names(fault["restarted"]) == restarted
        assert names(fault["untouched"]) == set(CHILDREN) - restarted
        assert (fault["lost"], fault["duplicated"]) == (0, 0)
        assert (fault["downtime_s"] > 0) == bool(restarted)
    closed, _, killed, wrong = faults
    assert 0 < closed["data_gap_s"] < 1
    assert killed["downtime_s"] > 3
    assert "would exit with code 78" in wrong["outcome"]


def check_progress(err):
    acts = re.findall(r"^── (\d?)", err, flags=re.MULTILINE)
    assert acts == ["", "1", "2", "3", "4", ""]
    assert "massive/workers/ws_worker  restarting after ProviderClosed" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("moment", ["starting Valkey", "── the tree", "── 1"])
def test_ctrl_c_ends_it_in_order_and_leaves_nothing_behind(runtime, moment):
    with demo(runtime) as process:
        for line in process.stdout:
            if line.startswith(moment):
                break
        if moment != "starting Valkey":
            assert len(servers_in(runtime)) == 3
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert time.monotonic() - began < 8
    assert "Traceback" not in out + err
    assert out.endswith("everything is stopped\n")
    assert servers_in(runtime) == []
    assert list(runtime.iterdir()) == []


def otp(runtime, *words):
    """The command line from another shell."""
    return subprocess.run(
        [sys.executable, "-m", "otp", *words],
        cwd=ROOT,
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def children_of(runtime):
    rows = json.loads(otp(runtime, "ps", "-o", "json").stdout)["children"]
    return {row["path"].rpartition("/")[2]: row for row in rows}


def test_one_worker_of_a_calm_demo_is_restarted_from_another_shell_and_the_others_are_untouched(runtime):
    with demo(runtime, "--calm", "--for", "60") as process:
        for line in process.stdout:
            if "the faults are left to you" in line:
                break
        before = children_of(runtime)
        done = otp(runtime, "restart", "massive/workers/ws_worker", "--reason", "new key", "-o", "json")
        assert done.returncode == 0
        assert json.loads(done.stdout)["untouched"] == len(CHILDREN) - 1
        after = children_of(runtime)
        changed = {name for name in CHILDREN if after[name]["generation"] != before[name]["generation"]}
        assert changed == {"ws_worker"}
        assert (after["ws_worker"]["manual"], after["ws_worker"]["crashes"], after["ws_worker"]["state"]) == (
            1,
            0,
            "running",
        )
        told = otp(runtime, "events", "massive/workers/ws_worker").stdout
        assert re.search(r"restart by .*; reason: new key", told)
        assert otp(runtime, "drain").returncode == 0
        process.communicate(timeout=20)
        assert process.returncode == 130  # ended before its last act
    assert servers_in(runtime) == []
    assert otp(runtime, "ps").returncode == 6


def test_calm_is_for_massive_alone(runtime):
    with demo(runtime, "--calm", "--all") as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "--calm is for massive alone" in said
