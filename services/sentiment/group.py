"""The consumer group of sentiment on `intel:articles`: making it, and how far it is behind."""

from typing import Any

from redis.exceptions import ResponseError

from services.sentiment.config import Keys
from services.shared.redis_clients import Client

__all__ = ("join", "of_group", "waiting")


async def join(redis: Client, keys: Keys) -> None:
    """Make the group, and the stream with it, if it is missing; it reads from the stream's beginning."""
    try:
        await redis.execute_command("XGROUP", "CREATE", keys.articles, keys.group, "0", "MKSTREAM")
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def waiting(redis: Client, keys: Keys, enough: int) -> int:
    """How many articles wait to be scored, those in the worker's hands included.

    Args:
        redis: client of intel-redis.
        keys: the names there.
        enough: so many are counted at least, where Redis has lost count (entries were deleted one by one).
    """
    try:
        groups = await redis.execute_command("XINFO", "GROUPS", keys.articles)
    except ResponseError as error:
        if "no such key" not in str(error):
            raise
        return 0  # somebody deleted the stream: the worker's next read fails, and its next incarnation makes it again
    group = of_group(groups, keys)
    if group is None:
        return 0
    lag = group[b"lag"]
    if lag is None:
        beyond = f"({group[b'last-delivered-id'].decode()}"
        lag = len(await redis.execute_command("XRANGE", keys.articles, beyond, "+", "COUNT", enough))
    return int(lag) + int(group[b"pending"])


def of_group(groups: list[dict[bytes, Any]], keys: Keys) -> dict[bytes, Any] | None:
    """Ours of the groups that XINFO GROUPS lists; None if it is not there."""
    name = keys.group.encode()
    return next((group for group in groups if group[b"name"] == name), None)
