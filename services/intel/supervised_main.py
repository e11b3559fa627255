"""`python -m services.intel.supervised_main`: intel under supervision."""

import sys

import anyio

from services.intel.supervisor import IntelSupervisor
from services.shared.base_supervisor import supervised
from services.shared.log_outlet import log_outlet


async def main() -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(IntelSupervisor)


if __name__ == "__main__":
    with log_outlet():
        sys.exit(anyio.run(main))
