"""`python -m services.intel.supervised_main`: intel under supervision."""

from otp.application.run import Watchman, end_with
from services.intel.supervisor import IntelSupervisor
from services.shared.base_supervisor import supervised
from services.shared.log_outlet import log_outlet


async def main(watchman: Watchman | None = None) -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    return await supervised(IntelSupervisor, watchman)


if __name__ == "__main__":
    with log_outlet():
        end_with(main)
