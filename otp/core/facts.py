"""What a supervisor knows of one of its children, as a frozen value."""

from typing import Literal

from msgspec import Struct

from otp.spec import SupervisorSpec


class ChildFacts(Struct, frozen=True, kw_only=True):
    """One child as it is now. `ChildInfo` adds what only the process itself can have, `ChildRow` what observers add.

    Attributes:
        path: its name from the root down.
        kind: worker or supervisor.
        state: see `ChildState`.
        restart: its restart type.
        generation: incarnations so far; 0 before the first.
        crashes: restarts because it ended by itself.
        manual: restarts by request.
        collateral: restarts because of a sibling, or with its supervisor.
        streak: failures in a row; 0 once it has been healthy.
        verdict: what its last failure was, by its policy; empty without one.
        paused: it is under maintenance.
        strategy: of a supervisor, see `strategy_of`; empty for a worker.
    """

    path: str
    kind: Literal["worker", "supervisor"]
    state: str
    restart: str
    generation: int
    crashes: int = 0
    manual: int = 0
    collateral: int = 0
    streak: int = 0
    verdict: str = ""
    paused: bool = False
    strategy: str = ""


def strategy_of(spec: SupervisorSpec) -> str:
    """Return the strategy of a supervisor; `dynamic` for a dynamic one."""
    return "dynamic" if spec.dynamic else spec.strategy.value
