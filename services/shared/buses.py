"""From the addresses in a configuration to buses that can be used: running servers, or embedded ones where allowed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NamedTuple

from services.shared.embedded import EmbeddedBus, open_embedded_buses
from services.shared.redis_address import normalised

__all__ = ("EMBEDDED", "ResolvedBuses", "checked_address", "resolve_buses")

EMBEDDED: Final = "embedded"
"""The word that stands for an address where a server of our own is wanted."""


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


def checked_address(name: str, url: str | None, *, allow_embedded: bool = False) -> str:
    """The address of a bus as redis-py spells it, or the word `embedded` where that is allowed.

    Raises:
        ValueError: it is missing or wrong, or `embedded` where that is not allowed.
    """
    if url == EMBEDDED and allow_embedded:
        return EMBEDDED
    if not url or url == EMBEDDED:
        raise ValueError(
            f"the bus {name!r} needs the address of a running server, "
            f"and has {'the word embedded, which only the demo allows' if url else 'none'}; "
            "write for example redis://127.0.0.1:6379/0"
        )
    try:
        return normalised(url)
    except ValueError as error:
        raise ValueError(f"the bus {name!r}: {error}") from None
