"""What could follow a restart by request, said before it is done."""

from collections.abc import Iterator

from otp.core.ancestry import ancestry
from otp.core.dry_run import delay_after_request
from otp.core.strategy import taken_along
from otp.exits import Crashed
from otp.policy import Action, FailurePolicy
from otp.spec import AnySpec, SupervisorSpec


def could_follow(tree: SupervisorSpec, path: str) -> tuple[str, ...]:
    """Sentences on what a restart by request of the child at `path` may lead to besides the restart.

    Args:
        tree: the spec of the whole tree, as it runs.
        path: of the child, the id of the root first.

    Raises:
        NotFound: there is no such child.
    """
    child, above = ancestry(tree, path)
    return f"if its start fails: {_after(child)}", _if_one_refuses(tree, above[0], child)


def after_a_failed_start(action: Action) -> float | None:
    """Seconds, without jitter, until a start by request that failed is tried again; None: the child stays `failed`."""
    return delay_after_request(FailurePolicy(otherwise=action), Crashed(Exception()))


def _after(child: AnySpec) -> str:
    held = f"it is held while {' or '.join(child.needs)} is down; else " if child.needs else ""
    return held + "; ".join(_outcomes(child.policy or FailurePolicy()))


def _outcomes(policy: FailurePolicy) -> Iterator[str]:
    """One for each delay, and one for all failures that leave it failed."""
    names: dict[float | None, list[str]] = {}
    for rule in (*policy.rules, policy.otherwise):
        names.setdefault(after_a_failed_start(rule.action), []).append(rule.name)
    stays = names.pop(None, [])
    for seconds, verdicts in sorted(names.items(), key=lambda outcome: outcome[0] or 0.0):
        yield f"it is tried again after {seconds:g} s ({', '.join(verdicts)})"
    if stays:
        why = f" ({', '.join(stays)})" if names else ""
        yield f"it stays failed until it is restarted by request{why}"


def _if_one_refuses(tree: SupervisorSpec, above: SupervisorSpec, child: AnySpec) -> str:
    """D7: a restart of a group needs the place of each child in it."""
    siblings = [each.id for each in above.children]
    if taken_along(above.strategy, siblings, child.id) == [child.id]:
        return "if it refuses to stop: it goes on as it is, and nothing is started beside it"
    return f"if a child refuses to stop: {above.id} gives up, and {tree.id} and the process may end with it"
