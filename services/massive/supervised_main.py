"""`python -m services.massive.supervised_main`: massive under supervision."""

import sys

import anyio

from services.massive.supervisor import MassiveSupervisor
from services.shared.base_supervisor import supervised
from services.shared.log_outlet import log_outlet


async def main() -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(MassiveSupervisor)


if __name__ == "__main__":
    with log_outlet():
        sys.exit(anyio.run(main))
