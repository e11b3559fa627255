"""Who restarts a whole process when it ends, and how each is set up to do so."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.environments import interpreter

UNLIMITED = 1_000_000

Command = Sequence[str]
SetUp = Callable[[Command, Path], Command]
"""From the program and a folder for settings to the command that keeps the program running."""


class ProcessSupervisor(Struct, frozen=True, kw_only=True):
    """One of them.

    Attributes:
        name: as it is shown.
        set_up: writes its settings.
        poll: seconds between two looks at its processes; a failure may fall anywhere between two.
    """

    name: str
    set_up: SetUp
    poll: float = 0.0


def process_supervisors() -> list[ProcessSupervisor]:
    """Those that are here."""
    found = [ProcessSupervisor(name="shell loop", set_up=_shell_loop)]
    if python := _python_of("supervisor"):
        found += [
            ProcessSupervisor(name="supervisord, startsecs=0", set_up=_supervisord(python, startsecs=0), poll=1.0),
            ProcessSupervisor(name="supervisord", set_up=_supervisord(python), poll=1.0),
        ]
    if python := _python_of("circus"):
        found += [
            ProcessSupervisor(name="circus, check_delay=0.05", set_up=_circus(python, check_delay=0.05), poll=0.05),
            ProcessSupervisor(name="circus", set_up=_circus(python), poll=5.0),
        ]
    return found


def _python_of(environment: str) -> Path | None:
    python = interpreter(environment)
    if python is None:
        print(f"  without {environment}: it is not here; python -m benchmarks peers builds it", file=sys.stderr)
    return python


def _shell_loop(program: Command, folder: Path) -> Command:
    loop = f"trap 'kill $!; wait; exit' TERM; while :; do {shlex.join(program)} & wait; done"
    return ("/bin/sh", "-c", loop)


def _supervisord(python: Path, **settings: float) -> SetUp:
    def set_up(program: Command, folder: Path) -> Command:
        daemon = {
            "nodaemon": "true",
            "logfile": "/dev/null",
            "logfile_maxbytes": 0,
            "pidfile": folder / "supervisord.pid",
            "childlogdir": folder,
        }
        ours = {
            "command": shlex.join(program),
            "directory": ROOT,
            "startretries": UNLIMITED,
            "stdout_logfile": "NONE",
            "stderr_logfile": "NONE",
        }
        written = folder / "supervisord.ini"
        written.write_text(_section("supervisord", daemon) + _section("program:massive", {**ours, **settings}))
        return (str(python), "-m", "supervisor.supervisord", "-c", str(written))

    return set_up


def _circus(python: Path, **settings: float) -> SetUp:
    def set_up(program: Command, folder: Path) -> Command:
        daemon = {
            "endpoint": f"ipc://{folder}/circus.sock",
            "pubsub_endpoint": f"ipc://{folder}/circus-events.sock",
            "loglevel": "ERROR",
        }
        ours = {"cmd": shlex.join(program), "working_dir": ROOT, "copy_env": "True"}
        written = folder / "circus.ini"
        written.write_text(_section("circus", {**daemon, **settings}) + _section("watcher:massive", ours))
        return (str(python), "-m", "circus.circusd", str(written))

    return set_up


def _section(name: str, settings: Mapping[str, object]) -> str:
    return "\n".join((f"[{name}]", *(f"{key}={value}" for key, value in settings.items()), ""))
