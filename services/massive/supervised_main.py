"""`python -m services.massive.supervised_main`: massive under supervision."""

from otp.application.run import Watchman, end_with
from services.massive.supervisor import MassiveSupervisor
from services.shared.base_supervisor import supervised
from services.shared.log_outlet import log_outlet


async def main(watchman: Watchman | None = None) -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(MassiveSupervisor, watchman)


if __name__ == "__main__":
    with log_outlet():
        end_with(main)
