"""What a mutation is: one wrong change to the machine, and the sentence that says what is then wrong."""

from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
CORE = PROJECT / "otp" / "core"

SHUTDOWN = '__import__("otp").exits.Shutdown()'
"""An exit in order, in a module that does not import it."""


class Mutation(NamedTuple):
    """A change to a file of `otp/core`; the old text occurs in it exactly once."""

    file: str
    name: str
    old: str
    new: str

    def mutate(self, source: str) -> str:
        """The source with the change."""
        assert source.count(self.old) == 1, f"{self.name}: {self.old!r} occurs {source.count(self.old)} times"
        return source.replace(self.old, self.new)
