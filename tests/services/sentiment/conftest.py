"""The configuration of sentiment on a real intel-redis, and what is on it."""

import json

import anyio
import msgspec
import pytest

from services.sentiment.config import Sentiment
from services.sentiment.lexicon import Lexicon
from services.sentiment.tally import Tally
from services.sentiment.workers import score
from services.shared.identity import Buses

NOW = 1_700_000_000.0
"""The time of articles, in seconds: long past, so that it is their own time that counts."""


@pytest.fixture(scope="session")
def lexicon():
    return Lexicon()


@pytest.fixture
def sentiment(market):
    """The configuration of a sentiment whose three buses are that one server."""
    return Sentiment(buses=Buses(system=market.url, market=market.url, intel=market.url))


class Intel:
    """What stands on intel-redis: articles in, and what became of them."""

    def __init__(self, raw):
        self.raw = raw

    def publish(self, title, symbols=(), at=NOW, id="a", client=None, **more):
        article = {"id": id, "title": title, "symbols": symbols, "published": at, "source": "s", "url": "u", **more}
        return (client or self.raw).xadd("intel:articles", {"article": json.dumps(article)})

    def scores(self):
        return [json.loads(fields[b"score"]) for _, fields in self.raw.xrange("sentiment:scores")]

    def rejected(self):
        return [fields for _, fields in self.raw.xrange("sentiment:rejected")]

    def symbol(self, name):
        return {key.decode(): float(value) for key, value in self.raw.hgetall(f"sentiment:symbol:{name}").items()}

    def is_settled(self):
        (group,) = self.raw.xinfo_groups("intel:articles")
        return group["lag"] == 0 and group["pending"] == 0


@pytest.fixture
def intel(raw):
    return Intel(raw)


class Scorers:
    """Incarnations of the worker, started and cancelled at will."""

    def __init__(self, config, lexicon, intel, until):
        self.config = config
        self.tally = Tally()
        self._lexicon = lexicon
        self._intel = intel
        self._until = until

    async def start(self, group):
        """Start one, and return the scope that ends it."""
        scope = anyio.CancelScope()

        async def incarnation(*, task_status):
            with scope:
                await score.run(self.config, self._lexicon, self.tally, task_status=task_status)

        await group.start(incarnation)
        return scope

    async def settle(self, **changes):
        """Run one, perhaps with another configuration, until all articles are settled."""
        self.config = msgspec.structs.replace(self.config, **changes)
        async with anyio.create_task_group() as group:
            scope = await self.start(group)
            await self._until(self._intel.is_settled, 20.0)
            scope.cancel()


@pytest.fixture
def scorers(sentiment, lexicon, intel, until):
    return Scorers(sentiment, lexicon, intel, until)
