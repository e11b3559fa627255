"""The consumer group of sentiment on `intel:articles`: how far it is behind."""

from redis.exceptions import ResponseError

from services.sentiment.config import Keys
from services.shared.consumer_group import group_named
from services.shared.redis_clients import Client


async def articles_waiting(redis: Client, keys: Keys, enough: int) -> int:
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
    group = group_named(keys.group, groups)
    if group is None:
        return 0
    lag = group[b"lag"]
    if lag is None:
        beyond = f"({group[b'last-delivered-id'].decode()}"
        lag = len(await redis.execute_command("XRANGE", keys.articles, beyond, "+", "COUNT", enough))
    return int(lag) + int(group[b"pending"])
