"""`python -m benchmarks [NAME …] [--quick]`: run the benchmarks, all of them or those named.

`python -m benchmarks peers [NAME …]` builds the environments of the systems that ours is measured against.
"""

import argparse
import sys
from importlib import import_module

from benchmarks.environments import build
from benchmarks.report import show

NAMES = ("restart", "siblings", "storm", "memory", "recovery", "throughput", "control")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for trying out, not for quoting")
    options = parser.parse_args()
    if options.names[:1] == ["peers"]:
        sys.exit(build(options.names[1:]))
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in options.names or NAMES:
        show(name, import_module(f"benchmarks.{name}").measure(quick=options.quick))


main()
