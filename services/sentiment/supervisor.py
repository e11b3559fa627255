"""The supervisor of sentiment."""

from typing import Any

from services.sentiment.config import Sentiment
from services.sentiment.identity import sentiment_config
from services.sentiment.shared_services import SharedServices
from services.shared.base_supervisor import BaseSupervisor
from services.shared.logutil import LogUtil

__all__ = ("SentimentSupervisor",)


class SentimentSupervisor(BaseSupervisor[Sentiment, SharedServices]):
    """Runs sentiment as a supervised tree."""

    service = "sentiment"
    tree = "trees.sentiment:tree"

    @staticmethod
    def read(config: dict[str, Any]) -> Sentiment:
        """The checked configuration out of the identity."""
        return sentiment_config(config)

    @staticmethod
    def make_shared(config: Sentiment, logger: LogUtil) -> SharedServices:
        """The lexicon, the tally, and the clients of intel-redis."""
        return SharedServices.make(config, logger)
