"""Mutations of what events say of a failure or a start: roster.py, plan.py, termination.py, child.py, echo.py."""

from functools import partial

from tests.mutations.mutation import Mutation

roster = partial(Mutation, "roster.py")
plan = partial(Mutation, "plan.py")
termination = partial(Mutation, "termination.py")
child = partial(Mutation, "child.py")
echo = partial(Mutation, "echo.py")
maintenance = partial(Mutation, "maintenance.py")

RECOVERING = "recovering=child.purpose in _RESTARTS or 0 < child.failed_start == child.generation - 1"

MUTATIONS = [
    roster("no start is a recovery", RECOVERING, "recovering=False"),
    roster("a start that is tried again is no recovery", RECOVERING, "recovering=child.purpose in _RESTARTS"),
    roster("a first start is a recovery", RECOVERING, "recovering=True"),
    roster("no start is one along with the supervisor", "0 < child.inherited == child.generation - 1", "False"),
    roster(
        "each start is one along with the supervisor",
        "0 < child.inherited == child.generation - 1",
        "child.inherited > 0",
    ),
    roster("a new child of a new supervisor has been restarted", "0 < child.inherited ==", "child.inherited =="),
    child(
        "a failed start along with the supervisor does not say so", "0 < self.inherited == self.generation - 1", "False"
    ),
    termination("no start has failed", "child.failed_start = child.generation", "pass"),
    roster("a failed start is told twice", "child.has_failed_to_start", "False"),
    plan("a failed start that is tried again at once is told twice", "child.failed_start == child.generation", "False"),
    roster("an event about a failure does not tell the streak", '"streak": child.streak', '"streak": 0'),
    roster("an event about a failure does not tell of maintenance", '"paused": child.paused', '"paused": False'),
    plan("a restart does not say when the streak is over", "healthy_after=child.healthy_after,\n", ""),
    roster(
        "a failure does not say when the streak is over",
        '"healthy_after": child.healthy_after',
        '"healthy_after": 60.0',
    ),
    roster("no failure is an echo", "echo_of(child.path, exit)", '""'),
    plan("a restart is no echo", 'echo_of(child.path, exit) if child.guarded else ""', '""'),
    echo("a sibling whose name begins alike is below", 'f"{path}/"', "path"),
    echo("one who refuses below is no echo", "return _other(path, exit.paths)", 'return ""'),
    echo("those who refused and ended after all are no echo", "_other(path, error.paths) if", '"" if'),
    echo("a start below that took too long is no echo", " or type(error) is StartTimeout", ""),
    echo("a fatal failure below is no echo", " or type(error) is FatalFailure", ""),
    maintenance(
        "nobody is told that a child is forgiven", "supervisor.emit(events.ChildForgiven", "str(events.ChildForgiven"
    ),
]
