"""Shared services: made once, before supervision begins, and closed once, after the tree has ended."""

from typing import Protocol

from services.shared.redis_clients import Client, opened


class Closable(Protocol):
    """The shared services of a service."""

    async def aclose(self) -> None:
        """Close all clients."""
        ...


async def close(*clients: Client) -> None:
    """Close the clients, one after the other, each in a second at most, also when a cancellation ends the service."""
    for client in clients:
        async with opened(client):
            pass
