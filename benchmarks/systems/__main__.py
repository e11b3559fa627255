"""`python -m benchmarks.systems MEASURE SYSTEM [options]`: one run of one system, as one JSON line."""

import argparse
import logging
from importlib import import_module

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.groups import Groups
from benchmarks.systems.runs.idling import Idling
from benchmarks.systems.runs.leftovers import Leftovers
from benchmarks.systems.runs.restart_parts import RestartParts
from benchmarks.systems.runs.restarts import Restarts

MEASURES = {
    "restart": ("restart", Restarts),
    "leftovers": ("restart", Leftovers),
    "parts": ("parts", RestartParts),
    "escalation": ("escalation", Restarts),
    "scale": ("scale", Children),
    "idle": ("idle", Idling),
    "groups": ("groups", Groups),
}
"""By name, which function of a system is called, with what."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.systems", description=__doc__)
    parser.add_argument("measure", choices=tuple(MEASURES))
    parser.add_argument("system", help="a module of benchmarks.systems, with .NAME if it has several")
    parser.add_argument("--backend", choices=("asyncio", "uvloop", "trio"), default="asyncio")
    parser.add_argument("--restarts", type=int, default=2_000)
    parser.add_argument("--warm-up", type=int, default=200, help="restarts before those that count")
    parser.add_argument("--siblings", type=int, default=0, help="idle children beside the one that crashes")
    parser.add_argument("--idle", type=float, default=0.0, help="seconds that each incarnation waits before it crashes")
    parser.add_argument(
        "--period", type=float, help="seconds; default: so short that nobody's record of restarts grows"
    )
    parser.add_argument("--log", choices=("off", "default", "all"), default="off", help="see `Restarts`")
    parser.add_argument("--children", type=int, default=10_000)
    parser.add_argument(
        "--depth",
        type=int,
        default=1,
        help="levels of supervisors above the children; of an escalation, those that give up",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of doing nothing")
    parser.add_argument("--strategy", choices=("one_for_all", "rest_for_one"), default="one_for_all")
    options = parser.parse_args()

    if options.log == "off":
        logging.disable(logging.CRITICAL)
    module, _, variant = options.system.replace("-", "_").partition(".")
    function, run = MEASURES[options.measure]
    measure = getattr(import_module(f"benchmarks.systems.{module}"), f"{function}_{variant}" if variant else function)
    measure(run(options))


main()
