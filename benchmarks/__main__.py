"""`python -m benchmarks [NAME …] [--quick]`: run the benchmarks, all of them or those named."""

import argparse
from importlib import import_module

from benchmarks.report import show

NAMES = ("restart", "scale", "idle", "groups", "escalation", "recovery", "throughput", "control")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for trying out, not for quoting")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in options.names or NAMES:
        show(name, import_module(f"benchmarks.{name}").measure(quick=options.quick))


if __name__ == "__main__":
    main()
