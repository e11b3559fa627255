"""A tree on paper, without being run: `otp check`, and what `otp tree` and `otp explain` say of a target.

    TREE              RESTART    SHUTDOWN
    massive                                rest_for_one, 5 restarts in 60 s
    ├─ orchestrator   permanent  5 s       ready
    └─ workers        permanent  no limit  one_for_one, 3 restarts in 5 s
       └─ ws_worker   permanent  5 s

Nothing restarts or stops a root: it has no RESTART and no SHUTDOWN.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from otp.cli.branches import drawn
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Shown
from otp.cli.tables import Column, table
from otp.cli.target import load_target, with_target
from otp.control.tree.blast_radius import explained
from otp.control.wire.rows import Explained
from otp.control.wire.targets import Node, absolute
from otp.core.facts import strategy_of
from otp.core.paths import join
from otp.errors import NotFound
from otp.spec import AnySpec, AutoShutdown, ChildSpec, Grace, SupervisorSpec

_COLUMNS = (Column("TREE"), Column("RESTART"), Column("SHUTDOWN"), Column(""))


@click.command
@with_target
def check(*, target: str, config: Path | None, show_traceback: bool) -> None:
    """Build a tree without starting it; exit code 2 if it cannot run."""
    spec = load_target(target, config, show_traceback)
    kinds = [row["kind"] for row in _rows(spec)]
    counted = ", ".join(_plural(kinds.count(kind), kind) for kind in ("worker", "supervisor"))
    click.echo(f"{spec.id}: {counted}")


def on_paper(spec: SupervisorSpec) -> Shown:
    """The tree, and for programs a row for each child, the root first."""
    rows = list(_rows(spec))
    return Shown({"app": spec.id, "tree": rows}, [row["path"] for row in rows], lambda _: _drawn(spec), rows)


def draw(spec: SupervisorSpec) -> str:
    """Draw the tree as aligned lines."""
    return "\n".join(_drawn(spec))


def explained_on_paper(tree: SupervisorSpec, path: str) -> Explained:
    """Say when a child would be given up, and what a restart of it would touch.

    Raises:
        Ended: the tree has no such child.
    """
    specs = _specs(tree)
    nodes = [Node(at, "", strategy_of(spec) if isinstance(spec, SupervisorSpec) else "") for at, spec in specs]
    try:
        return explained(tree, nodes, absolute(tree.id, path))
    except NotFound as none:
        raise Ended(str(none), ExitCode.NO_CHILD) from None


def _specs(spec: AnySpec, above: str = "") -> Iterator[tuple[str, AnySpec]]:
    """The spec and all below it, each with its path and before its own children."""
    path = join(above, spec.id)
    yield path, spec
    for child in spec.children if isinstance(spec, SupervisorSpec) else ():
        yield from _specs(child, path)


def _rows(tree: SupervisorSpec) -> Iterator[dict[str, Any]]:
    """What programs read of each child; `shutdown` is in seconds, or `brutal_kill`, or null for no limit."""
    for path, spec in _specs(tree):
        yield {
            "path": path,
            "kind": "supervisor" if isinstance(spec, SupervisorSpec) else "worker",
            "restart": "" if spec is tree else spec.restart.value,
            "shutdown": None if spec.shutdown == math.inf else spec.shutdown,
            "how": _how(spec),
        }


def _drawn(tree: SupervisorSpec) -> list[str]:
    specs = dict(_specs(tree))
    lines = [(name, *_cells(specs[path], is_root=path == tree.id)) for name, path in drawn(specs)]
    return table(_COLUMNS, lines)


def _cells(spec: AnySpec, *, is_root: bool) -> tuple[str, str, str]:
    if is_root:
        return "", "", _how(spec)
    return spec.restart.value, _shutdown(spec.shutdown), _how(spec)


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
    words.append(f"{_plural(spec.intensity, 'restart')} in {spec.period:g} s")
    if spec.auto_shutdown is not AutoShutdown.NEVER:
        words.append(f"auto_shutdown {spec.auto_shutdown.value}")
    return words


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
