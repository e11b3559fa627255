"""What could follow a restart by request, told before anything is done."""

from collections.abc import Iterator

from otp.core.backoff import delay, schedule
from otp.core.paths import parts
from otp.errors import NotFound
from otp.policy import Action, FailurePolicy, Fatal, GiveUp, Limited, RestartNow
from otp.spec import AnySpec, Strategy, SupervisorSpec

__all__ = ("after_a_failed_start", "could_follow")


def could_follow(tree: SupervisorSpec, path: str) -> tuple[str, ...]:
    """Sentences on what a restart by request of the child at `path` may lead to besides the restart.

    Args:
        tree: the spec of the whole tree, as it runs.
        path: of the child, the id of the root first.

    Raises:
        NotFound: there is no such child.
    """
    above, child = _find(tree, path)
    return f"if its start fails: {_after(child)}", _if_one_refuses(tree, above, child)


def after_a_failed_start(action: Action) -> float | None:
    """Seconds, without jitter, until a start by request that failed is tried again; None: the child stays `failed`.

    The request itself was the try at once, so what counts is the delay of the action's second failure.
    """
    retry = action.retry if isinstance(action, Limited) else action
    if isinstance(retry, GiveUp | Fatal):
        return None
    backoff, failure = schedule(retry, 2 if isinstance(retry, RestartNow) else 1)
    return None if backoff is None else delay(backoff, failure, 0.5)


def _find(tree: SupervisorSpec, path: str) -> tuple[SupervisorSpec, AnySpec]:
    root, *ids = parts(path) or ("",)
    above, child = tree, None
    for id in ids if root == tree.id else ():
        above = child if child is not None and isinstance(child, SupervisorSpec) else tree
        child = next((each for each in above.children if each.id == id), None)
        if child is None:
            break
    if child is None:
        raise NotFound(path, tuple(each.id for each in above.children))
    return above, child


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
        yield f"it stays failed until somebody restarts it{why}"


def _if_one_refuses(tree: SupervisorSpec, above: SupervisorSpec, child: AnySpec) -> str:
    """D7: a restart of a group needs the place of each child in it."""
    alone = above.strategy is Strategy.ONE_FOR_ONE or (
        above.strategy is Strategy.REST_FOR_ONE and above.children[-1] is child
    )
    if alone:
        return "if it refuses to stop: it goes on as it is, and nothing is started beside it"
    return f"if a child refuses to stop: {above.id} gives up, and {tree.id} and the process may end with it"
