"""The systems on Erlang's machine, which take the command line of `benchmarks.systems` and give the same answer."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.environments import folder
from benchmarks.rig.system import System

SOURCES = ROOT / "benchmarks/systems/beam"
PROCESSES = "+P 2000000"
"""How many there may be; 262 144 by default."""


class Erlang(System, frozen=True, kw_only=True):
    """OTP's own supervisor. Its `module` is what the children are: `proc_lib` or `gen_server`."""

    def command(self, measure: str, *options: object) -> list[str] | None:
        """How one run of it is started; None: there is no `erl`."""
        if not (shutil.which("erl") and shutil.which("erlc")):
            return None
        machine = ["erl", *PROCESSES.split(), "-noshell", "-pa", str(_compiled()), "-s", "bench", "main"]
        return [*machine, "-extra", measure, self.module, *map(str, options)]


class Elixir(System, frozen=True, kw_only=True):
    """Elixir's own supervisors, of which its `module` names one."""

    def command(self, measure: str, *options: object) -> list[str] | None:
        """How one run of it is started; None: there is no `elixir`."""
        if not shutil.which("elixir"):
            return None
        return ["elixir", "--erl", PROCESSES, str(SOURCES / "bench.exs"), measure, self.module, *map(str, options)]


def _compiled() -> Path:
    """The folder of the compiled sources, which are compiled when they are newer."""
    compiled = folder() / "ebin"
    compiled.mkdir(parents=True, exist_ok=True)
    stale = [
        source for source in SOURCES.glob("*.erl") if _changed(source) > _changed(compiled / f"{source.stem}.beam")
    ]
    if stale:
        subprocess.run(["erlc", "-o", compiled, *stale], check=True)
    return compiled


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0
