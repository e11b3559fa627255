"""`python -m tests.endurance [--restarts N] [--minutes M]`: for how long it holds. It exits with 1 if something does not."""

import os
import sys

import click

from tests.endurance import chaos, restarts
from tests.endurance.table import print_table


@click.command()
@click.option("--restarts", "count", default=1_000_000, show_default=True, help="Restarts with everything on; 0: none.")
@click.option("--minutes", default=3.0, show_default=True, help="Of chaos on the four services; 0: none.")
@click.option("--seed", default=1, show_default=True, help="Of the chaos.")
def main(count: int, minutes: float, seed: int) -> None:
    """Restart very often, and let chaos reign over the four services."""
    for name in [name for name in os.environ if name.startswith(("TRUTH_", "EXECUTION_", "MASSIVE_", "LOG"))]:
        del os.environ[name]
    holds = True
    if count:
        holds &= print_table("restarts with everything on", restarts.run(count))
    if minutes:
        holds &= print_table(f"chaos on the four services, {minutes:g} min, seed {seed}", chaos.run(minutes, seed))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
