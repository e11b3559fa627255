"""Mutations of what is known of one child and done to it: child.py, roster.py, paths.py."""

from functools import partial

from tests.mutations.mutation import Mutation

child = partial(Mutation, "child.py")
roster = partial(Mutation, "roster.py")
paths = partial(Mutation, "paths.py")

MUTATIONS = [
    child(
        "a restarted supervisor begins with the first generation again",
        "self.generation = predecessor.generation",
        "self.generation = 0",
    ),
    child(
        "a child that never ran has a collateral restart",
        "+ (self.inherited > 0)",
        "+ (not set_aside)",
    ),
    child(
        "the end of a supervisor is no collateral restart of its children",
        "predecessor.collateral + (self.inherited > 0)",
        "predecessor.collateral",
    ),
    child(
        "the downtime of a child begins anew with its supervisor",
        "self.down_since = predecessor.down_since",
        "self.down_since = None",
    ),
    child(
        "a child that gets another spec keeps what its old one allowed",
        "if spec.policy is not self.spec.policy:\n            self._budgets = None",
        "if False:\n            self._budgets = None",
    ),
    child(
        "any new spec allows a child to fail anew",
        "if spec.policy is not self.spec.policy:",
        "if True:",
    ),
    child(
        "a temporary child that is up gets arguments that it never needs",
        "spec.restart is not Restart.TEMPORARY or not self.is_up",
        "True",
    ),
    child(
        "a temporary child whose turn has not come loses its arguments",
        "spec.restart is not Restart.TEMPORARY or not self.is_up",
        "spec.restart is not Restart.TEMPORARY",
    ),
    child(
        "a permanent child loses the arguments of its new spec",
        "spec.restart is not Restart.TEMPORARY or not self.is_up",
        "not self.is_up",
    ),
    child(
        "a child that gets a policy is still judged without",
        "self.spec = spec if starts_again else spec.without_args()\n        self.guarded = _is_guarded(spec)",
        "self.spec = spec if starts_again else spec.without_args()",
    ),
    child(
        "a child that gets a policy is healthy by its old one",
        "        self.healthy_after = _healthy_after(spec)\n\n    def ended",
        "\n    def ended",
    ),
    child(
        "a child that refused to end counts as gone",
        "ChildState.STOPPING, ChildState.REFUSED})",
        "ChildState.STOPPING})",
    ),
    child(
        "any start counts as a restart under way",
        "self.state is ChildState.STARTING and self.purpose in (Purpose.RESTART, Purpose.REQUEST)",
        "self.state is ChildState.STARTING",
    ),
    child(
        "a try under way is no restart",
        "return trying or self.state in WAITING",
        "return self.state in WAITING",
    ),
    child(
        "a child that waits for its next try is not being restarted",
        "return trying or self.state in WAITING",
        "return trying",
    ),
    child(
        "a second request that waits pushes out the first",
        "if self.waiting is None:\n            self.waiting = []",
        "self.waiting = []",
    ),
    child(
        "a restart that waits does not decide what follows the end",
        "isinstance(request, TerminateChild | RestartNow)",
        "isinstance(request, TerminateChild)",
    ),
    child(
        "a terminate that waits does not decide what follows the end",
        "isinstance(request, TerminateChild | RestartNow)",
        "isinstance(request, RestartNow)",
    ),
    child(
        "any request that waits decides what follows the end",
        "any(isinstance(request, TerminateChild | RestartNow) for request in self.waiting or ())",
        "bool(self.waiting)",
    ),
    child(
        "a request that waited goes on waiting when it is handled",
        "waiting, self.waiting = self.waiting, None",
        "waiting = self.waiting",
    ),
    child(
        "requests that waited are handled newest first",
        "return waiting or []",
        "return (waiting or [])[::-1]",
    ),
    paths(
        "a path is within one whose name only begins alike",
        'path.startswith(f"{above}/")',
        "path.startswith(above)",
    ),
    roster(
        "an exit of an older generation counts",
        "child.generation == generation else None",
        "child.generation >= generation else None",
    ),
    roster(
        "all incarnations have one number",
        "child.generation += 1",
        "child.generation = 1",
    ),
    roster(
        "the arguments of a temporary child are kept",
        "child.spec = spec.without_args()",
        "child.spec = spec",
    ),
    roster(
        "the arguments of every child are forgotten",
        "if spec.restart is _TEMPORARY:",
        "if True:",
    ),
    roster(
        "a start has as long as it likes",
        "if spec.start_timeout is not None:",
        "if False:",
    ),
    roster(
        "nobody is told that a start is up",
        "self.complete_with(token, value)",
        "pass",
    ),
    roster(
        "whoever asked for a start gets no value",
        "self.complete_with(token, value)",
        "self.complete_with(token, None)",
    ),
    roster(
        "the value of a start is lost",
        "child.value = value",
        "pass",
    ),
    roster(
        "downtimes do not add up",
        "child.downtime += downtime",
        "child.downtime = downtime",
    ),
    roster(
        "a child that is up again still counts as down since its first end",
        "child.downtime += downtime\n            child.down_since = None",
        "child.downtime += downtime",
    ),
    roster(
        "a child that is told to stop keeps the timer of its start",
        "self.cancel_timer(child)\n        grace",
        "grace",
    ),
    roster(
        "brutal_kill asks first",
        'if grace == "brutal_kill":\n',
        'if grace == "brutal_kill":\n            self.effects.append(effects.Stop(child.spec.id, child.generation))\n',
    ),
    roster(
        "a child that waits for ever to be gone gets a timer",
        "if grace != _INFINITY:",
        "if True:",
    ),
    roster(
        "a child that is told to stop has as long as it likes",
        "self.set_timer(child, TimerKind.SHUTDOWN, grace)",
        "pass",
    ),
    roster(
        "a kill keeps the timer of the stop before",
        "self.cancel_timer(child)\n        child.state = ChildState.STOPPING\n        self.effects.append(effects.Kill(",
        "child.state = ChildState.STOPPING\n        self.effects.append(effects.Kill(",
    ),
    roster(
        "a killed supervisor has half a second as well",
        "if not isinstance(child.spec, SupervisorSpec):",
        "if True:",
    ),
    roster(
        "nobody ever refuses to end",
        "self.set_timer(child, TimerKind.KILL, KILL_PATIENCE)",
        "pass",
    ),
    roster(
        "timers count from the beginning of time",
        "effects.SetTimer(child.timer, self.now + seconds)",
        "effects.SetTimer(child.timer, seconds)",
    ),
    roster(
        "timers are forgotten instead of cancelled",
        "self.effects.append(effects.CancelTimer(child.timer))\n            child.timer = None",
        "child.timer = None",
    ),
    roster(
        "a timer is cancelled twice",
        "self.effects.append(effects.CancelTimer(child.timer))\n            child.timer = None",
        "self.effects.append(effects.CancelTimer(child.timer))",
    ),
    roster(
        "a request without an asker is answered",
        "if token is not None:\n            self.effects.append(effects.Reply(token, result))",
        "if True:\n            self.effects.append(effects.Reply(token, result))",
    ),
    roster(
        "a restart that nobody waits for gives its value all the same",
        "if token is not None:\n            self.effects.append(effects.Reply(token, value, is_value=True))",
        "if True:\n            self.effects.append(effects.Reply(token, value, is_value=True))",
    ),
    roster(
        "whoever waits for a start that fails is told twice",
        "token, child.token = child.token, None\n            self.complete(token, result)",
        "token = child.token\n            self.complete(token, result)",
    ),
    roster(
        "whoever waits for a start is told twice",
        "token, child.token = child.token, None\n            self.complete_with(token, value)",
        "token = child.token\n            self.complete_with(token, value)",
    ),
    roster(
        "the end of a brutally killed child does not say so",
        'brutal=child.spec.shutdown == "brutal_kill"',
        "brutal=False",
    ),
    roster(
        "each end of a child looks as if it had been asked for",
        "asked=asked",
        "asked=True",
    ),
]
