"""`python -m benchmarks [NAME …] [--quick]`: run the benchmarks, all of them or those named.

`python -m benchmarks peers [NAME …]` builds the environments of the systems that ours is measured against.

Full runs are kept in `benchmarks/results`, a folder a machine. `--readme` measures nothing: it writes what is kept there into
both READMEs and docs/speed.md, and draws the pictures. `guard` is no benchmark: it measures quickly what is ours, and fails if that has become worse than what
is committed; with `--write` it writes what is committed.
"""

import argparse
import sys
from importlib import import_module

from benchmarks.report import guard
from benchmarks.report.documents import write
from benchmarks.report.plots import draw
from benchmarks.report.results import keep, kept
from benchmarks.report.terminal import show
from benchmarks.rig.environments import build
from benchmarks.rig.machine import machine

NAMES = (
    "restart",
    "profile",
    "siblings",
    "storm",
    "scale",
    "idle",
    "groups",
    "escalation",
    "recovery",
    "throughput",
    "control",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for trying out, not for quoting")
    parser.add_argument("--readme", action="store_true", help="write the results that are kept into the documents")
    parser.add_argument("--machine", default="", help="what this machine is called, if another one has its description")
    parser.add_argument("--write", action="store_true", help="with guard: commit to what is measured now")
    options = parser.parse_args()
    if options.readme:
        _write_readme()
        return
    if options.names[:1] == ["peers"]:
        sys.exit(build(options.names[1:]))
    if options.names == ["guard"]:
        sys.exit(guard.commit() if options.write else guard.check())
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in options.names or NAMES:
        rows = import_module(f"benchmarks.measures.{name}").measure(quick=options.quick)
        show(name, rows)
        if not options.quick:
            keep(name, rows, machine(options.machine))


def _write_readme() -> None:
    results = kept(NAMES)
    write(results)
    draw(results)


if __name__ == "__main__":
    main()
