"""A tree on paper, as `otp tree TARGET` prints it.

    TREE              RESTART    SHUTDOWN
    massive                                rest_for_one, 5 restarts in 60 s
    ├─ orchestrator   permanent  5 s       ready
    └─ workers        permanent  no limit  one_for_one, 3 restarts in 5 s
       └─ ws_worker   permanent  5 s

Nobody restarts or stops a root: it has no RESTART and no SHUTDOWN.
"""

import math
from collections.abc import Iterator
from typing import Any

from otp.cli.output import Shown
from otp.core.facts import strategy_of
from otp.spec import AnySpec, AutoShutdown, ChildSpec, Grace, SupervisorSpec

__all__ = ("draw", "on_paper")

Row = tuple[str, ...]

HEADER: Row = ("TREE", "RESTART", "SHUTDOWN", "")


def on_paper(spec: SupervisorSpec) -> Shown:
    """The tree, and for programs a row for each child, the root first."""
    rows = list(_documents(spec, spec.id))
    rows[0]["restart"] = ""  # nobody restarts a root
    return Shown(
        document={"app": spec.id, "tree": rows},
        rows=rows,
        names=[row["path"] for row in rows],
        text=lambda _: draw(spec),
    )


def draw(spec: SupervisorSpec) -> str:
    """The tree as aligned lines."""
    root = (spec.id, "", "", _how(spec))
    rows = [HEADER, root, *_rows(spec, "")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _rows(spec: SupervisorSpec, indent: str) -> Iterator[Row]:
    for number, child in enumerate(spec.children, start=1):
        branch, below = ("└─ ", "   ") if number == len(spec.children) else ("├─ ", "│  ")
        yield f"{indent}{branch}{child.id}", child.restart.value, _shutdown(child.shutdown), _how(child)
        if isinstance(child, SupervisorSpec):
            yield from _rows(child, indent + below)


def _documents(spec: AnySpec, path: str) -> Iterator[dict[str, Any]]:
    """`shutdown` is in seconds, or `brutal_kill`; null: no limit."""
    yield {
        "path": path,
        "kind": "supervisor" if isinstance(spec, SupervisorSpec) else "worker",
        "restart": spec.restart.value,
        "shutdown": None if spec.shutdown == math.inf else spec.shutdown,
        "how": _how(spec),
    }
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from _documents(child, f"{path}/{child.id}")


def _shutdown(grace: Grace) -> str:
    if isinstance(grace, str):
        return grace
    return "no limit" if grace == math.inf else f"{grace:g} s"


def _how(spec: AnySpec) -> str:
    words = _worker(spec) if isinstance(spec, ChildSpec) else _supervisor(spec)
    return ", ".join([*words, "significant"] if spec.significant else words)


def _worker(spec: ChildSpec) -> list[str]:
    words = ["ready"] if spec.ready else []
    if spec.start_timeout is not None:
        words = [f"ready within {spec.start_timeout:g} s"]
    if spec.watchdog is not None:
        words.append(f"watchdog {spec.watchdog.within:g} s")
    return words


def _supervisor(spec: SupervisorSpec) -> list[str]:
    words = [strategy_of(spec)]
    if spec.max_children is not None:
        words.append(f"at most {spec.max_children} children")
    words.append(f"{spec.intensity} restart{'s'[: spec.intensity != 1]} in {spec.period:g} s")
    if spec.auto_shutdown is not AutoShutdown.NEVER:
        words.append(f"auto_shutdown {spec.auto_shutdown.value}")
    return words
