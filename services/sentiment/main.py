"""`python -m services.sentiment.main`: sentiment without a supervisor."""

from functools import partial

from services.sentiment import orchestrator
from services.sentiment.config import Sentiment
from services.sentiment.identity import sentiment_config
from services.sentiment.shared_services import SharedServices
from services.sentiment.workers import score
from services.shared.unsupervised import Worker, run_unsupervised


def workers(config: Sentiment, shared: SharedServices) -> list[Worker]:
    """The orchestrator, which watches, and the scorer."""
    return [
        partial(orchestrator.run, config, shared.tally, shared.control, shared.logger),
        partial(score.run, config, shared.lexicon, shared.tally, shared.blocking),
    ]


if __name__ == "__main__":
    run_unsupervised("sentiment", sentiment_config, SharedServices.make, workers)
