"""What the nodes of intel share: made once, before supervision begins, and untouched by any restart."""

from typing import NamedTuple, Self

import httpx

from services.intel.config import Intel
from services.intel.pipeline import Pipeline
from services.shared import redis_clients
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client
from services.shared.shared_services import close

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
)


class SharedServices(NamedTuple):
    """The pipeline, the logger, and the clients by their role. Making them connects to nothing yet.

    Attributes:
        pipeline: what the nodes tell each other.
        logger: of the service.
        http: for the feeds.
        market: asks market-redis; retries.
        reader: waits for entries of market-redis.
        intel: asks and writes on intel-redis; it retries, as every write there may be repeated: it is a script that
            finds out whether it ran before.
    """

    pipeline: Pipeline
    logger: LogUtil
    http: httpx.AsyncClient
    market: Client
    reader: Client
    intel: Client

    @classmethod
    def make(cls, config: Intel, logger: LogUtil | None = None) -> Self:
        """Make them for this configuration."""
        return cls(
            pipeline=Pipeline(),
            logger=logger or LogUtil("intel"),
            http=open_http(config.news.agent),
            market=redis_clients.control(config.buses.market),
            reader=redis_clients.blocking(config.buses.market),
            intel=redis_clients.control(config.buses.intel),
        )

    async def aclose(self) -> None:
        """Close the clients."""
        await self.http.aclose()
        await close(self.market, self.reader, self.intel)


def open_http(agent: str) -> httpx.AsyncClient:
    """Make the client for the feeds: redirects are followed, this host is reached without a proxy.

    It sets no limit of time, as each poll has one for the whole answer; nor of connections, or feeds would wait for
    each other.
    """
    return httpx.AsyncClient(
        headers={"User-Agent": agent, "Accept": ACCEPT},
        follow_redirects=True,
        max_redirects=5,
        timeout=None,  # noqa: S113 (see above)
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        mounts={f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")},
    )
