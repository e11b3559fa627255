"""The two documents that quote figures: the README of the project what is claimed, the one here all of them.

Each is written by hand but for what stands between its two marks.
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.claims import claimed
from benchmarks.kept import Result
from benchmarks.tables import tables

__all__ = ("DOCUMENTS", "rewritten", "write")

HERE = Path(__file__).parent
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"

DOCUMENTS = {HERE.parent / "README.md": claimed, HERE / "README.md": tables}
"""What makes of the results that which stands between the marks."""


def write(results: Mapping[str, Result]) -> None:
    """Write into both what the results say."""
    for path, made in DOCUMENTS.items():
        path.write_text(rewritten(path.read_text(), made(results)))


def rewritten(text: str, figures: str) -> str:
    """The text of a document with these figures between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} with an {END} after it; put them where the figures belong")
    return f"{before}{BEGIN}\n{figures}{END}{after}"
