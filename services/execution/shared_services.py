"""What the nodes of execution share: made once, before supervision begins, and untouched by any restart."""

from typing import NamedTuple, Self

from services.execution.board import Board
from services.execution.broker.book import BrokerClients
from services.execution.config import Execution
from services.shared import redis_clients
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client
from services.shared.shared_services import close


class SharedServices(NamedTuple):
    """The board, the logger, and the clients of intel-redis by their role. Making them connects to nothing yet.

    Attributes:
        board: the limits that hold.
        logger: of the service.
        control: asks and tells; retries.
        producer: writes; never retries.
        blocking: reads that wait.
        market: asks market-redis; retries.
    """

    board: Board
    logger: LogUtil
    control: Client
    producer: Client
    blocking: Client
    market: Client

    @classmethod
    def make(cls, config: Execution, logger: LogUtil | None = None) -> Self:
        """Make them for this configuration."""
        intel = config.buses.intel
        return cls(
            board=Board(),
            logger=logger or LogUtil("execution"),
            control=redis_clients.control(intel),
            producer=redis_clients.producer(intel),
            blocking=redis_clients.blocking(intel),
            market=redis_clients.control(config.buses.market),
        )

    @property
    def broker_clients(self) -> BrokerClients:
        """What of it the paper broker is lent when it is embedded."""
        return BrokerClients(books=self.control, news=self.blocking, market=self.market)

    async def aclose(self) -> None:
        """Close the clients."""
        await close(self.control, self.producer, self.blocking, self.market)
