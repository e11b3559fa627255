"""`python -m services.massive.supervised_main`: massive under supervision."""

from otp.application import Watchman, end_with
from services.massive.supervisor import MassiveSupervisor
from services.shared.base_supervisor import supervised


async def main(watchman: Watchman | None = None) -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(MassiveSupervisor, watchman)


if __name__ == "__main__":
    end_with(main)
