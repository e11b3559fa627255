"""What the nodes of sentiment share: made once, before supervision begins, and untouched by any restart."""

from typing import NamedTuple, Self

from services.sentiment.config import Sentiment
from services.sentiment.lexicon import Lexicon
from services.sentiment.tally import Tally
from services.shared import redis_clients
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client
from services.shared.shared_services import close


class SharedServices(NamedTuple):
    """The lexicon, the tally, the logger, and the clients of intel-redis. Making them connects to nothing yet.

    Attributes:
        lexicon: what scores.
        tally: what has been done.
        logger: of the service.
        control: asks and tells; retries.
        blocking: reads that wait, and settlements; never retries.
    """

    lexicon: Lexicon
    tally: Tally
    logger: LogUtil
    control: Client
    blocking: Client

    @classmethod
    def make(cls, config: Sentiment, logger: LogUtil | None = None) -> Self:
        """Make them for this configuration.

        Raises:
            RuntimeError: the lexicon is not installed.
        """
        url = config.buses.intel
        return cls(
            lexicon=Lexicon(),
            tally=Tally(),
            logger=logger or LogUtil("sentiment"),
            control=redis_clients.control(url),
            blocking=redis_clients.blocking(url),
        )

    async def aclose(self) -> None:
        """Close the clients."""
        await close(self.control, self.blocking)
