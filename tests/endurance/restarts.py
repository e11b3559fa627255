"""A million restarts with everything on: nothing grows, nobody who asks goes without an answer, no crash is uncounted."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import cycle
from typing import NamedTuple

from otp.control.client.client import connect
from otp.control.wire.commands import GetEvents, GetHealth, GetIncidents, GetSnapshot, GetWhy
from tests.endurance.flapping import APP
from tests.endurance.table import Line

ROOT = pathlib.Path(__file__).parents[2]
WARM_UP = 0.2
"""Part of the restarts after which all that is bounded has filled up."""

GROWTH = 6 * 1024
"""KiB by which the memory may grow after that; a leak of 8 bytes a restart is more than that in a million."""

ASK_EVERY = 0.1
PATIENCE = 3_600.0
LOOKS = (GetSnapshot(), GetHealth(), GetEvents(), GetIncidents(), GetWhy(path="talkative"))


class Sample(NamedTuple):
    """The process as its kernel sees it, and its tasks."""

    crashes: int
    rss: int
    threads: int
    files: int
    tasks: int


class Asker(threading.Thread):
    """A client that looks at the tree all the time."""

    def __init__(self, socket):
        super().__init__(daemon=True)
        self.answers = 0
        self.slowest = 0.0
        self.failures = []
        self.over = threading.Event()
        self._socket = socket

    def run(self):
        while not self._socket.exists() and not self.over.wait(0.05):
            pass
        for look in cycle(LOOKS):
            if self.over.wait(ASK_EVERY):
                return
            began = time.monotonic()
            try:
                with connect(self._socket) as client:
                    client.ask(look)
            except Exception as error:
                if not self.over.wait(2.0):  # at the end the socket goes before the process has said so
                    self.failures.append(error)
                continue
            self.answers += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


def run(restarts):
    """Run the program, and give the lines of the table."""
    with tempfile.TemporaryDirectory(prefix="otp-") as folder:
        asker = Asker(pathlib.Path(folder) / "otp" / f"{APP}.sock")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": folder}
        words = [sys.executable, "-m", "tests.endurance.flapping", str(restarts)]
        began = time.monotonic()
        process = subprocess.Popen(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            asker.start()
            samples, last = _samples(process, asker)
            code = process.wait(60)
        finally:
            asker.over.set()
            process.kill()
            process.wait()
            process.stdout.close()
        asker.join(10)
    return _lines(restarts, samples, seconds=time.monotonic() - began, last=last, code=code, asker=asker)


def _samples(process, asker):
    samples, last = [], {}
    for line in process.stdout:
        said = json.loads(line)
        if "counted" in said:
            asker.over.set()
            last = said
            continue
        with suppress(FileNotFoundError):
            samples.append(_sample(process.pid, said))
    return samples, last


def _sample(pid, said):
    here = pathlib.Path(f"/proc/{pid}")
    rss = next(int(line.split()[1]) for line in (here / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return Sample(said["crashes"], rss, _count(here / "task"), _count(here / "fd"), said["tasks"])


def _count(folder):
    return sum(1 for _ in folder.iterdir())


def _lines(restarts, samples, *, seconds, last, code, asker):
    warm = [sample for sample in samples if sample.crashes >= WARM_UP * restarts]
    early, late = warm[: max(1, len(warm) // 5)], warm[-max(1, len(warm) // 5) :]
    most = Sample(*(max(getattr(sample, name) for sample in early) for name in Sample._fields))
    end = Sample(*(max(getattr(sample, name) for sample in late) for name in Sample._fields))
    growth = end.rss - most.rss
    crashes, counted = last.get("crashes", 0), last.get("counted", 0)
    return [
        Line("restarts", f"{crashes:,}", f"≥ {restarts:,}", crashes >= restarts),
        Line("restarts per second", f"{crashes / seconds:,.0f}"),
        Line("crashes that the history does not know", f"{abs(crashes - counted)}", "0", crashes == counted),
        Line("memory when warm", f"{most.rss / 1024:.1f} MiB"),
        Line("its growth until the end", f"{growth / 1024:+.1f} MiB", f"≤ {GROWTH / 1024:g} MiB", growth <= GROWTH),
        Line(
            "threads, when warm and at the end",
            f"{most.threads} → {end.threads}",
            "no more",
            end.threads <= most.threads + 1,
        ),
        Line("descriptors", f"{most.files} → {end.files}", "no more", end.files <= most.files + 2),
        Line("tasks", f"{most.tasks} → {end.tasks}", "no more", end.tasks <= most.tasks + 1),
        Line("questions answered", f"{asker.answers:,}", "all", bool(asker.answers) and not asker.failures),
        Line("slowest answer", f"{asker.slowest * 1e3:.0f} ms"),
        Line("exit code", f"{code}", "0", code == 0),
    ]
