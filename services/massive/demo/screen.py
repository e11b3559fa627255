"""What the demo prints: a heading for each act, the log, what came of it, and a summary at the end."""

import os
import sys
import textwrap
from collections.abc import Sequence

import click
from loguru import logger

from otp.core.paths import id_of
from otp.observe.log import FORMAT
from services.massive.demo.report import FaultReport, Report
from services.shared.logutil import LogUtil

RULE = 100
"""Columns of a heading, at the most."""

LABEL = 15
"""Columns before what a fault did."""

STAMP = 22
"""Columns before the message of a log line."""


class Screen:
    """Writes to standard output; `quiet`: to standard error, so that only the report is on standard output."""

    def __init__(self, *, quiet: bool) -> None:
        self._err = quiet

    def say(self, text: str = "") -> None:
        """One line, or several."""
        click.echo(text, err=self._err)

    def take_log(self) -> None:
        """Write the log of this process here from now on, in the lines of `otp run`, which fit a terminal better."""
        LogUtil("demo")  # opens its sink, once for the process; ours takes its place
        logger.remove()
        logger.add(self._write_log, format=FORMAT, level="INFO", backtrace=False, diagnose=False)

    def act(self, title: str) -> None:
        """The heading of what comes next."""
        self.say(f"\n── {title} {'─' * (min(RULE, self._width) - len(title) - 4)}")

    def came_of(self, fault: FaultReport) -> None:
        """What a fault did, and what it did not."""
        self.result("restarted", names(fault.restarted))
        self.result("untouched", names(fault.untouched))
        if fault.restarted:
            gap = "" if fault.data_gap_s is None else f"; feed on the bus again after {span(fault.data_gap_s)}"
            self.result("down", f"{span(fault.downtime_s)}{gap}")
        self.result("events", f"{fault.lost} lost, {fault.duplicated} duplicated")
        self.result("outcome", fault.outcome)

    def summary(self, report: Report) -> None:
        """The whole run as two tables and a line."""
        self.act("summary")
        self.say(table(_child_rows(report)))
        self.say()
        self.say(table(_fault_rows(report)))
        self.say(
            f"\n{report.events_in:,} events in, {report.events_out:,} on the bus: "
            f"{report.lost} lost, {report.duplicated} duplicated.\n"
            f"{report.heartbeats} heartbeats in {report.seconds:.0f} s, gaps: {report.heartbeat_gaps}."
        )

    def result(self, label: str, text: str) -> None:
        """One thing that came of an act."""
        self._fold(f"   {label:<{LABEL - 3}}{text}", LABEL)

    def _write_log(self, line: str) -> None:
        self._fold(line.rstrip(), STAMP)

    def _fold(self, text: str, indent: int) -> None:
        below = " " * indent
        self.say(textwrap.fill(text, self._width, subsequent_indent=below, break_long_words=False))

    @property
    def _width(self) -> int:
        """Columns of the terminal; what goes elsewhere is not broken into lines."""
        stream = sys.stderr if self._err else sys.stdout
        return (os.get_terminal_size(stream.fileno()).columns or 80) if stream.isatty() else sys.maxsize


def _child_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("CHILD", "GEN", "CRASHES", "MANUAL", "COLLATERAL", "DOWNTIME")]
    rows += [
        (c.path, str(c.gen), str(c.crashes), str(c.manual), str(c.collateral), span(c.downtime_s))
        for c in report.children
    ]
    return rows


def _fault_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("FAULT", "RESTARTED", "UNTOUCHED", "DOWN", "LOST", "DUPLICATED")]
    rows += [
        (f.fault, str(len(f.restarted)), str(len(f.untouched)), span(f.downtime_s), str(f.lost), str(f.duplicated))
        for f in report.faults
    ]
    return rows


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows below each other, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def names(paths: Sequence[str]) -> str:
    """The ids of children, or that there are none."""
    return ", ".join(id_of(path) for path in paths) or "none"


def span(seconds: float) -> str:
    """A time as people say it."""
    if not seconds:
        return "–"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
