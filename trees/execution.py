"""Execution: signals to orders, orders to the broker, the broker's fills to positions."""

from typing import TypeVarTuple

from otp import ChildSpec, FailurePolicy, SupervisorSpec, dependency, supervisor, worker
from otp.spec import StartsUp
from services.execution import orchestrator
from services.execution.broker import client, server
from services.execution.config import Execution
from services.execution.policies import BROKER
from services.execution.shared_services import SharedServices
from services.execution.workers import decide, record, submit
from services.shared.bus_probe import BusProbe
from services.shared.log_outlet import keep_log_outlet
from services.shared.policies import REDIS

Ts = TypeVarTuple("Ts")


def on_intel(
    id: str, run: StartsUp[*Ts], *args: *Ts, policy: FailurePolicy = REDIS, also: tuple[str, ...] = ()
) -> ChildSpec:
    """A worker that lives on intel-redis, and maybe on something else: held while that is down."""
    return worker(id, run, *args, ready=True, policy=policy, needs=("intel-redis", *also))


def tree(config: Execution, shared: SharedServices | None = None) -> SupervisorSpec:
    """One for one: what the nodes hand to each other is on the bus, so each can be restarted alone.

    A broker that runs apart is a dependency. An embedded one is not: it is a sibling, which cannot be restarted while
    the tree starts, so a worker that is held for it then would hold the start forever. The policy's delays do there.
    """
    if shared is None:
        keep_log_outlet()
        shared = SharedServices.make(config)
    board, control, producer, blocking = shared.board, shared.control, shared.producer, shared.blocking
    apart = () if config.broker.embedded else ("broker",)
    broker = on_intel("broker", server.run, config.broker, shared.broker_clients, also=("market-redis",))
    return supervisor(
        "execution",
        intensity=5,
        period=60.0,
        dependencies=[
            dependency("intel-redis", BusProbe("intel-redis", control, "execution", shared.logger).writes),
            dependency("market-redis", BusProbe("market-redis", shared.market, "execution", shared.logger).reads),
            dependency("broker", client.answers, config.broker),
        ],
        children=[
            *([broker] if config.broker.embedded else []),
            on_intel("orchestrator", orchestrator.run, config, board, control, shared.logger),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    on_intel("decider", decide.run, config, board, producer, blocking),
                    on_intel("submitter", submit.run, config, producer, blocking, policy=BROKER, also=apart),
                    on_intel("fill_recorder", record.run, config, producer, policy=BROKER, also=apart),
                ],
            ),
        ],
    )
