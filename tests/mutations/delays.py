"""Mutations of delays, streaks and first starts: recovery.py, and what waits touch in the rest of the machine."""

from functools import partial

from tests.mutations.mutation import Mutation

recovery = partial(Mutation, "recovery.py")
machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")
child = partial(Mutation, "child.py")
backoff = partial(Mutation, "backoff.py")
plan = partial(Mutation, "plan.py")
requests = partial(Mutation, "requests.py")
roster = partial(Mutation, "roster.py")

WAITING = "WAITING = frozenset({ChildState.RESTARTING, ChildState.BACKOFF, ChildState.HELD})"
GUARDED_STARTUP = "return worker and child.guarded and child.spec.restart is not Restart.TEMPORARY"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ streaks
    recovery(
        "a failure without a policy is part of no streak",
        "child.streak += 1\n        if self.window",
        "if self.window",
    ),
    recovery(
        "a failure by policy is part of no streak",
        "child.streak += 1\n        match",
        "match",
    ),
    recovery(
        "a failure by policy is counted twice",
        "child.streak += 1\n        match",
        "child.streak += 2\n        match",
    ),
    child(
        "a streak is forgotten as soon as the child is up",
        "if now - self.up_since >= self.healthy_after:",
        "if True:",
    ),
    child(
        "a streak is never forgotten",
        "if now - self.up_since >= self.healthy_after:",
        "if False:",
    ),
    child(
        "a child that was up exactly long enough has not recovered",
        "now - self.up_since >= self.healthy_after",
        "now - self.up_since > self.healthy_after",
    ),
    child(
        "healthy_after of a policy is ignored",
        "HEALTHY_AFTER if spec.policy is None else spec.policy.healthy_after",
        "HEALTHY_AFTER",
    ),
    child(
        "starts that fail are as healthy as the child was before",
        "                self.streak = 0\n            self.up_since = None\n",
        "                self.streak = 0\n",
    ),
    child(
        "a streak ends with the supervisor",
        "self.streak = predecessor.streak",
        "pass",
    ),
    termination(
        "how long a child was up that was stopped is forgotten",
        "child.ended(self.now)\n        failure",
        "child.value = None\n        child.up_since = None\n        child.down_since = self.now\n        failure",
    ),
    recovery(
        "a temporary child's first start is tried again",
        GUARDED_STARTUP,
        "return worker and child.guarded",
    ),
    plan(
        "a restart does not tell the streak",
        "streak=child.streak,  #",
        "streak=0,  #",
    ),
    # ------------------------------------------------------------------------------------------------ delays
    backoff(
        "the first failure of RestartNow is delayed",
        "return (None, 0) if streak == 1 else (retry.then, streak - 1)",
        "return retry.then, streak",
    ),
    backoff(
        "RestartNow is never delayed",
        "return (None, 0) if streak == 1 else (retry.then, streak - 1)",
        "return None, 0",
    ),
    backoff(
        "RestartNow is at once a second time",
        "return (None, 0) if streak == 1 else (retry.then, streak - 1)",
        "return (None, 0) if streak <= 2 else (retry.then, streak - 2)",
    ),
    backoff(
        "the delays after RestartNow are one step too far",
        "return (None, 0) if streak == 1 else (retry.then, streak - 1)",
        "return (None, 0) if streak == 1 else (retry.then, streak)",
    ),
    backoff(
        "the first failure of RestartAfter is restarted at once",
        "return retry.backoff, streak",
        "return (None, 0) if streak == 1 else (retry.backoff, streak - 1)",
    ),
    recovery(
        "the dice always say the same",
        "return\n        self._delay(child, exit, verdict, delay(backoff, failure, self._dice()))",
        "return\n        self._delay(child, exit, verdict, delay(backoff, failure, 0.5))",
    ),
    recovery(
        "a delay is never over",
        "self.set_timer(child, TimerKind.RETRY, seconds)",
        "pass",
    ),
    machine(
        "nothing follows the end of a delay",
        "self.restart_due(inputs.RestartDue(child.spec.id, child.generation))",
        "pass",
    ),
    recovery(
        "a child that waits for its delay does not say until when",
        "child.retry_at = self.now + seconds",
        "pass",
    ),
    recovery(
        "a child that is restarted still shows when that was to be",
        "child.retry_at = None\n        self._restart",
        "self._restart",
    ),
    roster(
        "a child that waits no more still shows when it was to be restarted",
        "        child.retry_at = None\n",
        "",
    ),
    recovery(
        "a child that waits for its delay is shown as up",
        "child.state = ChildState.BACKOFF\n        child.verdict",
        "child.verdict",
    ),
    recovery(
        "a restart after a delay does not say by which verdict",
        "child.verdict = verdict.name\n        child.retry_at",
        "child.retry_at",
    ),
    recovery(
        "nobody is told of a delay",
        "self.emit(\n            events.ChildDelayed(",
        "str(\n            events.ChildDelayed(",
    ),
    recovery(
        "a delay does not say that its failure was expected",
        "expected=verdict.expected,",
        "expected=False,",
    ),
    recovery(
        "a delay of an older generation counts",
        "child = self.current(event.child, event.generation)\n        if child is None or child.state not in",
        "child = self.children.get(event.child)\n        if child is None or child.state not in",
    ),
    recovery(
        "a restart is due also when the child does not wait for it",
        "if child is None or child.state not in (ChildState.BACKOFF, ChildState.HELD):",
        "if child is None:",
    ),
    recovery(
        "a delay that is over during a plan is acted on at once",
        "            self.defer(event)\n            return\n        latest",
        "            pass\n        latest",
    ),
    recovery(
        "a delay that is over during a plan is forgotten",
        "            self.defer(event)\n            return\n        latest",
        "            return\n        latest",
    ),
    recovery(
        "a child that its own startup waits for waits for the startup",
        "return self.plan is not None and self.plan.awaited is not child",
        "return self.plan is not None",
    ),
    recovery(
        "a group does not wait for the longest delay in it",
        "latest = self._latest_in_group(child)",
        "latest = self.now",
    ),
    recovery(
        "a child waits also for the delays of those that are not restarted with it",
        "group = taken_along(self.spec.strategy, self.children.values(), child)",
        "group = self.children.values()",
    ),
    recovery(
        "a child that waits for its group does not say until when",
        "            child.retry_at = latest\n",
        "",
    ),
    recovery(
        "a child that was held and waits for its group is shown as held",
        "            child.state = ChildState.BACKOFF\n            child.retry_at = latest",
        "            child.retry_at = latest",
    ),
    recovery(
        "a child that waits for its group waits twice",
        "self.set_timer(child, TimerKind.RETRY, latest - self.now)",
        "self.set_timer(child, TimerKind.RETRY, latest)",
    ),
    roster(
        "a child that waits no more keeps its timer",
        "self.cancel_timer(child)\n        child.state = ChildState.STOPPED",
        "child.state = ChildState.STOPPED",
    ),
    plan(
        "a stop does not end the delays",
        "if child.state in WAITING:\n                self.cancel_retry(child)",
        "pass",
    ),
    plan(
        "a delay that a group restart takes along keeps its timer",
        "                self.cancel_retry(sibling)",
        "                sibling.state = ChildState.STOPPED",
    ),
    requests(
        "nobody is told that a child that waited was terminated",
        "if waited or child.state in _PARKED:",
        "if child.state in _PARKED:",
    ),
    requests(
        "nobody is told that a parked child was terminated",
        "if waited or child.state in _PARKED:",
        "if waited:",
    ),
    requests(
        "a restart by request leaves the delay as it is",
        "supervisor.cancel_retry(child)\n        supervisor.restart_one",
        "supervisor.restart_one",
    ),
    requests(
        "a startup waits for ever for a child that is terminated in its delay",
        "    if waited:",
        "    if False:",
    ),
    requests(
        "a startup goes on past a child that is terminated and started again",
        "    if waited:",
        "    if True:",
    ),
    child(
        "a child that waits for its delay is down for good",
        WAITING,
        "WAITING = frozenset({ChildState.RESTARTING, ChildState.HELD})",
    ),
    child(
        "a child that is held is down for good",
        WAITING,
        "WAITING = frozenset({ChildState.RESTARTING, ChildState.BACKOFF})",
    ),
    child(
        "a parked child is about to be restarted",
        WAITING,
        "WAITING = frozenset({ChildState.RESTARTING, ChildState.BACKOFF, ChildState.HELD, ChildState.FAILED})",
    ),
    # ------------------------------------------------------------------------------------------------ the first start
    recovery(
        "with a policy the first start is not tried again",
        GUARDED_STARTUP,
        "return False",
    ),
    recovery(
        "a supervisor below is started again when its first start has failed",
        GUARDED_STARTUP,
        "return child.guarded and child.spec.restart is not Restart.TEMPORARY",
    ),
    recovery(
        "without a policy the first start is tried again too",
        GUARDED_STARTUP,
        "return worker and child.spec.restart is not Restart.TEMPORARY",
    ),
]
