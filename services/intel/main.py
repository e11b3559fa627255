"""`python -m services.intel.main`: intel without a supervisor."""

from functools import partial

from services.intel import orchestrator
from services.intel.config import Intel
from services.intel.identity import intel_config
from services.intel.shared_services import SharedServices
from services.intel.workers import feed, signals
from services.shared.unsupervised import Worker, run_unsupervised


def workers(config: Intel, shared: SharedServices) -> list[Worker]:
    """The orchestrator first: it says which symbols are watched."""
    pipeline = shared.pipeline
    return [
        partial(orchestrator.run, config, pipeline, shared.intel, shared.logger),
        partial(signals.run, config, pipeline, shared.reader, shared.intel),
        *(partial(feed.run, one, config, pipeline, shared.http, shared.intel) for one in config.news.feeds),
    ]


if __name__ == "__main__":
    run_unsupervised("intel", intel_config, SharedServices.make, workers)
