"""`python -m services.massive.main`: massive as it always ran, without a supervisor."""

from functools import partial

from services.massive import orchestrator
from services.massive.config import Massive
from services.massive.identity import massive_config
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish, stream, subscriptions
from services.shared.unsupervised import Worker, run_unsupervised


def workers(config: Massive, shared: SharedServices) -> list[Worker]:
    """The orchestrator first: the others work by its plan."""
    pipeline = shared.pipeline
    return [
        partial(orchestrator.run, config, pipeline, shared.control, shared.logger),
        partial(publish.run, config, pipeline, shared.producer),
        partial(consume.run, config, pipeline, shared.blocking),
        partial(subscriptions.run, config, pipeline, shared.control),
        partial(stream.run, config.feed, pipeline),
    ]


if __name__ == "__main__":
    run_unsupervised("massive", massive_config, SharedServices.make, workers)
