"""Programs of Erlang that stand beside a benchmark, in `benchmarks/systems/beam`."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

__all__ = ("NAME", "Program", "compiled")

NAME = "Erlang"
SOURCES = Path(__file__).parent / "systems" / "beam"


class Program(Struct, frozen=True):
    """One that is ready to run."""

    module: str
    folder: str

    def command(self, *words: object) -> list[str]:
        """How it is run."""
        return ["erl", "-noshell", "-pa", self.folder, "-run", self.module, "main", *map(str, words)]


@contextmanager
def compiled(module: str) -> Generator[Program | None]:
    """The program, for as long as the block runs; None: Erlang is not here."""
    if not (shutil.which("erl") and shutil.which("erlc")):
        yield None
        return
    with TemporaryDirectory() as folder:
        subprocess.run(["erlc", "-o", folder, str(SOURCES / f"{module}.erl")], check=True)
        yield Program(module, folder)
