"""Traces of OTP that are kept, so that the comparison runs where there is no Erlang."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.conformance.scenario import Scenario
from tests.conformance.trace import Trace

RECORDED = Path(__file__).with_name("recorded.jsonl")
"""Chosen so that every case of every rule is among them."""

FOUND = Path(__file__).with_name("found.jsonl")
"""Scenarios in which ours once differed, as Hypothesis shrank them."""

ENOUGH = 5
"""A case of a rule that is among those kept so often needs no more."""


class Recording(Struct, frozen=True):
    """A scenario and what OTP made of it."""

    scenario: Scenario
    trace: Trace


def read(path: Path) -> Iterator[Recording]:
    """The recordings of a file, one a line."""
    for line in path.read_bytes().splitlines():
        yield msgspec.json.decode(line, type=Recording)


def write(path: Path, recordings: Iterable[Recording]) -> None:
    """Replace the recordings of a file."""
    path.write_bytes(b"".join(msgspec.json.encode(recording) + b"\n" for recording in recordings))


class Chooser:
    """Keeps what shows a case that is rare among those kept so far."""

    def __init__(self) -> None:
        self.kept: list[Recording] = []
        self._cases: Counter[str] = Counter()

    def offer(self, recording: Recording, cases: set[str]) -> None:
        """Keep it, or not."""
        if any(self._cases[case] < ENOUGH for case in cases):
            self.kept.append(recording)
            self._cases.update(cases)
