"""What the services lend to their workers, each its own: they share a process, and no client."""

from typing import NamedTuple, Self

import services.execution.shared_services as execution
import services.intel.shared_services as intel
import services.massive.shared_services as massive
import services.sentiment.shared_services as sentiment
from services.marketswarm.config import MarketSwarm
from services.shared.logutil import LogUtil


class SharedServices(NamedTuple):
    """The shared services of each service. Making them connects to nothing yet."""

    massive: massive.SharedServices
    intel: intel.SharedServices
    sentiment: sentiment.SharedServices
    execution: execution.SharedServices

    @classmethod
    def make(cls, config: MarketSwarm, logger: LogUtil | None = None) -> Self:
        """Make them for this configuration."""
        return cls(
            massive=massive.SharedServices.make(config.massive, logger),
            intel=intel.SharedServices.make(config.intel, logger),
            sentiment=sentiment.SharedServices.make(config.sentiment, logger),
            execution=execution.SharedServices.make(config.execution, logger),
        )

    async def aclose(self) -> None:
        """Close the clients of all."""
        for shared in reversed(self):
            await shared.aclose()
