"""The rows of a benchmark as a table on the terminal."""

import textwrap
from collections.abc import Sequence

from benchmarks.report.legend import legend
from benchmarks.rig.machine import machine
from benchmarks.rig.rows import Row


def show(name: str, rows: Sequence[Row]) -> None:
    """Print the table."""
    print(f"\n{name}  ({machine()})")
    width = max(len(row.what) for row in rows)
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            print(f"\n {section}" if section else "")
        p99 = f"p99 {row.p99:9.2f}" if row.p99 is not None else " " * 13
        ratio = f"{row.ratio:6.3f} × {row.to}" if row.ratio is not None else ""
        limit = "" if row.limit is None else f"(limit {row.limit:g}) {'ok' if row.meets(row.limit) else 'OVER'}"
        print(f"  {row.what:<{width}}  {row.figure:10.2f} {row.unit:<8} {p99}  {ratio:<44} {limit}".rstrip())
    for kind, systems in legend((row.system, row.kind) for row in rows):
        print(f"\n {kind}: {kind.means}")
        for system in systems:
            print(textwrap.fill(system, 118, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
