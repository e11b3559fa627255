"""`python -m services.sentiment.supervised_main`: sentiment under supervision."""

import sys

import anyio

from services.sentiment.supervisor import SentimentSupervisor
from services.shared.base_supervisor import supervised
from services.shared.log_outlet import log_outlet


async def main() -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(SentimentSupervisor)


if __name__ == "__main__":
    with log_outlet():
        sys.exit(anyio.run(main))
