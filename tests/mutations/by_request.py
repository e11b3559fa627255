"""Mutations of a start by request that fails: recovery.py, plan.py, machine.py, child.py, requests.py."""

from functools import partial

from tests.mutations.mutation import Mutation

plan = partial(Mutation, "plan.py")
recovery = partial(Mutation, "recovery.py")
termination = partial(Mutation, "termination.py")
requests = partial(Mutation, "requests.py")
child = partial(Mutation, "child.py")

ALONE = "self.start(child, _RESTART if cause is _CRASH else Purpose.REQUEST)"
GROUP = "purpose = _RESTART if cause is _CRASH else Purpose.REQUEST\n"
FAILED = "if child.down_since is None:\n            child.down_since = self.now\n        if child.spec.needs:"
SECOND = "child.streak = max(child.streak, 2)"
NO_RETRY = "(None, 0) if isinstance(retry, GiveUp | Fatal) else schedule(retry, child.streak)"
PARKS = "if backoff is None:\n            self._park(child, exit, verdict)"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ what a start is for
    plan(
        "a restart by request that fails is one over a failure",
        ALONE,
        "self.start(child, _RESTART)",
    ),
    plan(
        "a restart over a failure that fails is one by request",
        ALONE,
        "self.start(child, Purpose.REQUEST)",
    ),
    plan(
        "a child that is restarted by request while its group starts is started for the first time",
        "self.plan.awaited is child and self.plan.purpose is Purpose.STARTUP:",
        "self.plan.awaited is child:",
    ),
    plan(
        "a restart of a group by request that fails is one over a failure",
        GROUP,
        "purpose = _RESTART\n",
    ),
    plan(
        "a restart of a group over a failure that fails is one by request",
        GROUP,
        "purpose = Purpose.REQUEST\n",
    ),
    plan(
        "a restart of a group by request counts for nobody",
        "if purpose is not Purpose.STARTUP and not (child",
        "if purpose is Purpose.RESTART and not (child",
    ),
    child(
        "a child that was restarted by request is not restarting while it starts",
        "self.purpose in (Purpose.RESTART, Purpose.REQUEST)",
        "self.purpose is Purpose.RESTART",
    ),
    recovery(
        "a crash after a restart by request is a start by request that failed",
        "            child.purpose = Purpose.RESTART  # also after a startup or a request: a failure is tried again\n",
        "",
    ),
    # ------------------------------------------------------------------------------------------------ the answer
    termination(
        "whoever restarts a group is not told of a sibling that did not start, but that all is well",
        "self._answer_for(child, error)\n                self.start_by_request_failed",
        "self.start_by_request_failed",
    ),
    termination(
        "whoever restarts a group is not told of a sibling that refuses to end its start",
        "self._answer_for(child, error)\n            self.awaited_no_more",
        "self.awaited_no_more",
    ),
    termination(
        "whoever restarts a group is told of anybody that refuses",
        "is not None and self.plan.awaited is child:\n            self.answer_plan(error)\n\n    def _group_begins_anew",
        "is not None:\n            self.answer_plan(error)\n\n    def _group_begins_anew",
    ),
    termination(
        "a start by request that fails is tried again at once",
        "self.start_by_request_failed(child, exit)",
        "self.restart_failed(child, exit)",
    ),
    termination(
        "a start by request that fails under maintenance is judged",
        "case Purpose.STARTUP | Purpose.RESTART | Purpose.REQUEST if child.stays_down:",
        "case Purpose.STARTUP | Purpose.RESTART if child.stays_down:",
    ),
    termination(
        "a start by request that takes too long and is not given up ends the supervisor",
        "return child.purpose in (Purpose.STARTUP, Purpose.RESTART)",
        "return child.purpose in (Purpose.STARTUP, Purpose.RESTART, Purpose.REQUEST)",
    ),
    # ------------------------------------------------------------------------------------------------ what follows
    recovery(
        "the downtime of a child whose start by request fails is not counted",
        FAILED,
        "if child.spec.needs:",
    ),
    recovery(
        "the downtime of a child begins anew with each start by request that fails",
        FAILED,
        "child.down_since = self.now\n        if child.spec.needs:",
    ),
    recovery(
        "a start by request that fails costs a credit",
        FAILED,
        f"self.window.record(self.now)\n        {FAILED}",
    ),
    recovery(
        "a start by request that fails asks for nothing that the child needs",
        FAILED,
        "if child.down_since is None:\n            child.down_since = self.now\n        if False:",
    ),
    recovery(
        "a start by request that fails is one over a failure when what the child needs is there",
        "elif child.purpose is Purpose.REQUEST:",
        "elif False:",
    ),
    recovery(
        "a start by request that fails is counted in a limit of its own",
        "retry = action.retry if isinstance(action, Limited) else action\n",
        "retry = action.retry if isinstance(action, Limited) else action\n"
        "        if isinstance(action, Limited):\n            child.budget(verdict.name, action).record(self.now)\n",
    ),
    recovery(
        "a start by request that fails with a failure that has a limit is parked",
        NO_RETRY,
        "(None, 0) if isinstance(action, GiveUp | Fatal | Limited) else schedule(retry, child.streak)",
    ),
    recovery(
        "a start by request that fails is none in the streak",
        "child.streak += 1\n        if isinstance(retry, RestartNow) and",
        "if isinstance(retry, RestartNow) and",
    ),
    recovery(
        "a start by request that fails is the first failure, and then not delayed",
        f"            {SECOND}\n",
        "            pass\n",
    ),
    recovery(
        "a start by request that fails shortens the streak to two",
        SECOND,
        "child.streak = 2",
    ),
    recovery(
        "a start by request that fails is a second failure also where the first is delayed",
        "if isinstance(retry, RestartNow) and retry.then is not None:  #",
        "if True:  #",
    ),
    recovery(
        "a start by request that fails without a delay is tried again at once",
        PARKS,
        "if backoff is None:\n            self._restart(child, exit, verdict.name)",
    ),
    recovery(
        "a start by request that fails fatally ends the tree",
        PARKS,
        "if isinstance(retry, Fatal):\n            self._end_all(child, exit, verdict)\n        elif backoff is None:\n"
        "            self._park(child, exit, verdict)",
    ),
    recovery(
        "the dice say the same after each start by request that fails",
        "else:\n            self._delay(child, exit, verdict, delay(backoff, failure, self._dice()))",
        "else:\n            self._delay(child, exit, verdict, delay(backoff, failure, 0.5))",
    ),
    # ------------------------------------------------------------------------------------------------ restart_child
    termination(
        "a parked child is stopped for good when its restart_child fails",
        "if child.parked:",
        "if False:",
    ),
    termination(
        "a child that was down by request is parked when its restart_child fails",
        "if child.parked:",
        "if True:",
    ),
    termination(
        "the downtime of a parked child is over when its restart_child fails",
        "            child.state = ChildState.FAILED\n        else:\n            child.down_since = None\n"
        "            child.left_behind = False\n",
        "            child.state = ChildState.FAILED\n        child.down_since = None\n        child.left_behind = False\n",
    ),
    requests(
        "a child that was parked once is parked by each restart_child that fails",
        "child.parked = child.state is ChildState.FAILED",
        "child.parked = child.parked or child.state is ChildState.FAILED",
    ),
]
