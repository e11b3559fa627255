"""What the nodes of massive share: made once, before supervision begins, and untouched by any restart."""

from typing import NamedTuple, Self

from services.massive.config import Massive
from services.massive.pipeline import Pipeline
from services.shared import redis_clients
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client
from services.shared.shared_services import close


class SharedServices(NamedTuple):
    """The pipeline, the logger, and the clients of market-redis by their role. Making them connects to nothing yet.

    Attributes:
        pipeline: what the workers hand to each other.
        logger: of the service.
        control: asks and tells; retries.
        producer: writes; never retries.
        blocking: reads that wait.
    """

    pipeline: Pipeline
    logger: LogUtil
    control: Client
    producer: Client
    blocking: Client

    @classmethod
    def make(cls, config: Massive, logger: LogUtil | None = None) -> Self:
        """Make them for this configuration."""
        url = config.buses.market
        return cls(
            pipeline=Pipeline(config.queue_frames, rejected=config.rejected_maxlen),
            logger=logger or LogUtil("massive"),
            control=redis_clients.control(url),
            producer=redis_clients.producer(url),
            blocking=redis_clients.blocking(url),
        )

    async def aclose(self) -> None:
        """Close the clients."""
        await close(self.control, self.producer, self.blocking)
