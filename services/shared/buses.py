"""From the addresses in a configuration to buses that can be used: running servers, or embedded ones where allowed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from services.shared.embedded import EmbeddedBus, open_embedded_buses
from services.shared.redis_address import EMBEDDED, checked_address


class ResolvedBuses(NamedTuple):
    """The address of each bus by its name, and those servers among them that are ours."""

    urls: dict[str, str]
    embedded: dict[str, EmbeddedBus]


@asynccontextmanager
async def resolve_buses(
    config_urls: Mapping[str, str | None], *, allow_embedded: bool = False
) -> AsyncGenerator[ResolvedBuses]:
    """Check the addresses, and run a server for each one that is `embedded`, for the block.

    Args:
        config_urls: bus name to address.
        allow_embedded: only the demo and development allow it: production never gets a bus whose data ends with it.

    Raises:
        ValueError: an address is missing or wrong, or `embedded` where that is not allowed.
        RuntimeError: an embedded server cannot be started.
    """
    urls = {name: checked_address(name, url, allow_embedded=allow_embedded) for name, url in config_urls.items()}
    async with AsyncExitStack() as stack:
        embedded: dict[str, EmbeddedBus] = {}
        if ours := [name for name, url in urls.items() if url == EMBEDDED]:
            embedded = await stack.enter_async_context(open_embedded_buses(ours))
        yield ResolvedBuses(urls | {name: bus.url for name, bus in embedded.items()}, embedded)
