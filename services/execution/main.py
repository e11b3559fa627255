"""`python -m services.execution.main`: execution without a supervisor."""

from functools import partial

from services.execution import orchestrator
from services.execution.broker import server
from services.execution.config import Execution
from services.execution.identity import execution_config
from services.execution.shared_services import SharedServices
from services.execution.workers import decide, record, submit
from services.shared.unsupervised import Worker, run_unsupervised


def workers(config: Execution, shared: SharedServices) -> list[Worker]:
    """The broker first, if it is embedded; then the orchestrator, which posts the limits."""
    broker = partial(server.run, config.broker, shared.broker_clients)
    return [
        *([broker] if config.broker.embedded else []),
        partial(orchestrator.run, config, shared.board, shared.control, shared.logger),
        partial(decide.run, config, shared.board, shared.producer, shared.blocking),
        partial(submit.run, config, shared.producer, shared.blocking),
        partial(record.run, config, shared.producer),
    ]


if __name__ == "__main__":
    run_unsupervised("execution", execution_config, SharedServices.make, workers)
