"""A Redis client that says what a refusal means, and leaves a connection on which nothing more is to be had.

redis-py keeps a connection whose server has become a replica, and one whose answers are out of step. Here they are left
for new ones: behind one name another server may answer by now.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

import redis.asyncio
from redis.exceptions import DataError, InvalidResponse, RedisError, WatchError
from redis.exceptions import TimeoutError as NoReply

from services.shared.redis_refusals import NOT_NOW, REFUSALS, AccessRefused, NotNow, WrongAnswer, code_of

if TYPE_CHECKING:
    from services.shared.redis_clients import Pipeline, PubSub, Word


_LOST_COUNT: Final = "Wrong number of response items"

_ANSWERS: Final[dict[str, tuple[type, ...]]] = {
    "EXISTS": (int,),
    "GET": (bytes, type(None)),
    "HGETALL": (dict,),
    "HMGET": (list,),
    "SMEMBERS": (set, list),
    "XACK": (int,),
    "XAUTOCLAIM": (list, tuple),
    "XINFO": (dict, list),
    "XPENDING": (dict, list),
    "XRANGE": (list,),
    "XREAD": (list, type(None)),
    "XREADGROUP": (list, type(None)),
    "XREVRANGE": (list,),
    "ZRANGE": (list,),
    "ZRANGEBYSCORE": (list,),
}
"""What the commands that services read with are answered with; another type answers another question."""


class RedisClient:
    """One client; see `services.shared.redis_clients` for who makes which.

    Args:
        pool: of its own.
    """

    def __init__(self, pool: "RenewablePool") -> None:
        self._pool = pool
        self._redis: Any = redis.asyncio.Redis(connection_pool=cast("Any", pool))
        self._worked: set[str] = set()

    async def execute_command(self, *words: "Word") -> Any:
        """Send one command and return its reply.

        Raises:
            NotNow, AccessRefused, WrongAnswer: see there.
            redis.exceptions.RedisError: it failed in another way.
        """
        name = _name(words)
        with self.translated([name]):
            reply = _checked(name, await self._redis.execute_command(*words))
        self._worked.add(name)
        return reply

    def pipeline(self, transaction: bool = True) -> "Pipeline":
        """Begin commands that go out together, as one MULTI if it is a transaction."""
        return _Pipeline(self, self._redis.pipeline(transaction=transaction))

    def pubsub(self) -> "PubSub":
        """Prepare a connection for subscriptions."""
        return _PubSub(self, self._redis.pubsub())

    def register_script(self, script: str) -> Callable[..., Awaitable[Any]]:
        """Make a Lua script callable with `keys` and `args`."""
        registered: Callable[..., Awaitable[Any]] = self._redis.register_script(script)

        async def run(*, keys: Sequence["Word"] = (), args: Iterable["Word"] = ()) -> Any:
            with self.translated(["EVALSHA"]):
                reply = await registered(keys=keys, args=args)
            self._worked.add("EVALSHA")
            return reply

        return run

    def renew(self) -> None:
        """Use no connection of before again; those in use are left when they are done."""
        self._pool.renew()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
        await self._pool.aclose()

    async def run_together(self, pipeline: Any, names: Sequence[str], *, raise_on_error: bool) -> list[Any]:
        """Send a pipeline and return its replies, errors among them when they are not to be raised."""
        with self.translated(names):
            replies = await pipeline.execute(raise_on_error=raise_on_error)
            told = [self._told(names, reply) for reply in replies]
            checked = [_checked(name, reply) for name, reply in zip(names, told, strict=True)]
        self._worked.update(
            name for name, reply in zip(names, checked, strict=True) if not isinstance(reply, Exception)
        )
        return checked

    @contextmanager
    def translated(self, names: Sequence[str]) -> Generator[None]:
        """Say in our terms what fails in the block, which asks for commands of these names."""
        try:
            yield
        except (RedisError, OSError) as error:
            told = self._told(names, error)
            if told is error:
                raise
            raise told from error
        # What redis-py stumbles over while it reads a reply is a reply to something else.
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            self.renew()
            raise WrongAnswer(f"{' '.join(names[:3])}: an answer that cannot be read: {error!r}") from error

    def _told(self, names: Sequence[str], reply: Any) -> Any:
        """What a failure is in our terms; anything else stays what it is."""
        if not isinstance(reply, Exception) or isinstance(reply, DataError | NotNow | WrongAnswer | AccessRefused):
            return reply
        code = code_of(reply)
        if code in NOT_NOW:
            self.renew()
            return NotNow(code, reply)
        if code in REFUSALS:
            worked = self._worked.issuperset(names) if code == "NOPERM" else bool(self._worked)
            return AccessRefused(reply, worked=worked)
        if isinstance(reply, InvalidResponse | WatchError) or _LOST_COUNT in str(reply):
            self.renew()
            return WrongAnswer(str(reply))
        if isinstance(reply.__cause__, NoReply):  # while it connects, redis-py wraps it
            return NoReply(str(reply))
        return reply


class _Pipeline:
    """Commands that go out together."""

    def __init__(self, client: RedisClient, pipeline: Any) -> None:
        self._client = client
        self._pipeline = pipeline
        self._names: list[str] = []

    def execute_command(self, *words: "Word") -> object:
        """Put a command into the pipeline."""
        self._names.append(_name(words))
        return self._pipeline.execute_command(*words)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return their replies, errors among them when they are not to be raised."""
        names, self._names = self._names, []
        return await self._client.run_together(self._pipeline, names, raise_on_error=raise_on_error)


class _PubSub:
    """One subscribed connection."""

    def __init__(self, client: RedisClient, channels: Any) -> None:
        self._client = client
        self._channels = channels

    async def subscribe(self, *channels: str) -> None:
        """Ask for channels; the confirmation comes as a message of the type `subscribe`."""
        with self._client.translated(["SUBSCRIBE"]):
            await self._channels.subscribe(*channels)

    async def listen(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over messages and confirmations."""
        with self._client.translated(["SUBSCRIBE"]):
            async for message in self._channels.listen():
                yield message

    async def aclose(self) -> None:
        """Close the connection."""
        await self._channels.aclose()


class RenewablePool(redis.asyncio.ConnectionPool):
    """A pool whose connections can all be left for new ones, each when it would be used next."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        cast("Any", super()).__init__(*args, **settings)  # its signature is partly unknown to type checkers
        self._epoch = 0
        self._opened_in: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def renew(self) -> None:
        """Let no connection that is open now be used again."""
        self._epoch += 1

    async def ensure_connection(self, connection: Any) -> None:
        """Connect it, anew if it is from before."""
        if self._opened_in.get(connection) != self._epoch:
            await connection.disconnect()
            self._opened_in[connection] = self._epoch
        await super().ensure_connection(connection)


def _name(words: Sequence["Word"]) -> str:
    return str(words[0])


def _checked(name: str, reply: Any) -> Any:
    """The reply, if it can be one to this command.

    Raises:
        TypeError: it cannot.
    """
    expected = _ANSWERS.get(name)
    if expected is None or isinstance(reply, (*expected, Exception)):
        return reply
    raise TypeError(f"{type(reply).__name__} to {name}")
