"""Mutations of what a policy decides, and of held and parked children: recovery.py, child.py, machine.py."""

from functools import partial

from tests.mutations.mutation import SHUTDOWN, Mutation

recovery = partial(Mutation, "recovery.py")
termination = partial(Mutation, "termination.py")
child = partial(Mutation, "child.py")
plan = partial(Mutation, "plan.py")
roster = partial(Mutation, "roster.py")

FATAL = "error = FatalFailure(self.path, child.path, verdict.name)\n        if isinstance(exit, Crashed):\n"
OVER = "over = (ChildState.STOPPED, ChildState.DONE)"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ which way it goes
    recovery(
        "no child has a policy",
        "if child.guarded:",
        "if False:",
    ),
    child(
        "only a policy makes a child worth a closer look",
        "spec.policy is not None or bool(spec.needs) or isinstance(spec, SupervisorSpec)",
        "spec.policy is not None or isinstance(spec, SupervisorSpec)",
    ),
    child(
        "a supervisor below without a policy may fail fatally as often as it likes",
        "spec.policy is not None or bool(spec.needs) or isinstance(spec, SupervisorSpec)",
        "spec.policy is not None or bool(spec.needs)",
    ),
    recovery(
        "GiveUp restarts",
        "case GiveUp():\n                self._park(child, exit, verdict)\n            case Fatal():\n"
        "                self._end_all(child, exit, verdict)\n            case Limited()",
        "case GiveUp():\n                self._restart(child, exit, verdict.name)\n            case Fatal():\n"
        "                self._end_all(child, exit, verdict)\n            case Limited()",
    ),
    recovery(
        "Fatal restarts",
        "case Fatal():\n                self._end_all(child, exit, verdict)\n            case Limited()",
        "case Fatal():\n                self._restart(child, exit, verdict.name)\n            case Limited()",
    ),
    recovery(
        "Fatal only parks the child",
        "case Fatal():\n                self._end_all(child, exit, verdict)\n            case Limited()",
        "case Fatal():\n                self._park(child, exit, verdict)\n            case Limited()",
    ),
    recovery(
        "the restart of a child that a startup waits for takes its group along",
        "if self.grouped and (plan is None or plan.purpose is not Purpose.STARTUP):",
        "if self.grouped:",
    ),
    recovery(
        "a restart at once does not say by which verdict",
        "child.verdict = verdict\n        plan = self.plan",
        "plan = self.plan",
    ),
    plan(
        "a restart that somebody asked for has the verdict of the failure before",
        'verdict=child.verdict if cause is _CRASH else "",',
        "verdict=child.verdict,",
    ),
    # ------------------------------------------------------------------------------------------------ costs
    recovery(
        "what is expected costs intensity",
        "if not verdict.expected and not self.window.record(self.now):",
        "if not self.window.record(self.now):",
    ),
    recovery(
        "a restart by policy costs nothing",
        "if not verdict.expected and not self.window.record(self.now):",
        "if False:",
    ),
    recovery(
        "the intensity is no limit for restarts by policy",
        "if not verdict.expected and not self.window.record(self.now):",
        "if not verdict.expected and self.window.record(self.now) is None:",
    ),
    recovery(
        "a supervisor over its limit does not tell the verdict",
        "self.give_up(child, exit, verdict.name)\n            return",
        "self.give_up(child, exit)\n            return",
    ),
    recovery(
        "a supervisor over the limit of a class of failures tells its own",
        "self.give_up(child, exit, verdict.name, limited.n, limited.within)",
        "self.give_up(child, exit, verdict.name)",
    ),
    recovery(
        "a limit of its own is never reached",
        "case Limited() as limited if not child.budget(verdict.name, limited).record(self.now):",
        "case Limited() as limited if False:",
    ),
    recovery(
        "what a limit leads to is always that the supervisor gives up",
        "match limited.then:",
        "match None:",
    ),
    recovery(
        "those within a limit are restarted at once, whatever it says",
        "case Limited(retry=retry):\n                self._restart_in_time(child, exit, verdict, retry)",
        "case Limited():\n                self._restart_in_time(child, exit, verdict, RestartNow())",
    ),
    recovery(
        "those within a limit cost no intensity",
        "case Limited(retry=retry):\n                self._restart_in_time(child, exit, verdict, retry)",
        "case Limited(retry=retry):\n                self._restart_in_time(child, exit, verdict._replace(expected=True), retry)",
    ),
    child(
        "a limit allows one restart too few",
        "RestartWindow(limited.n, limited.within)",
        "RestartWindow(limited.n - 1, limited.within)",
    ),
    child(
        "a limit allows one restart too many",
        "RestartWindow(limited.n, limited.within)",
        "RestartWindow(limited.n + 1, limited.within)",
    ),
    child(
        "a limit never forgets",
        "RestartWindow(limited.n, limited.within)",
        'RestartWindow(limited.n, float("inf"))',
    ),
    child(
        "a limit begins anew with each failure",
        "if self._budgets is None:",
        "if True:",
    ),
    child(
        "all classes of failures share the limit of the first",
        "if verdict not in self._budgets:",
        'verdict = ""\n        if verdict not in self._budgets:',
    ),
    # ------------------------------------------------------------------------------------------------ dependencies
    recovery(
        "needs are ignored",
        "if child.spec.needs:\n            child.purpose",
        "if False:\n            child.purpose",
    ),
    recovery(
        "a child whose needs are asked forgets how it ended",
        "child.failed_with = exit\n",
        "pass\n",
    ),
    recovery(
        "a check's answer of an older generation counts",
        "child = self.current(event.child, event.generation)\n        if child is None or child.state is not ChildState.HELD",
        "child = self.children.get(event.child)\n        if child is None or child.state is not ChildState.HELD",
    ),
    recovery(
        "a check's answer counts a second time",
        " or child.failed_with is None:",
        ":",
    ),
    recovery(
        "a check's answer during a plan is acted on at once",
        "            self.defer(event)\n            return\n        exit, child",
        "            pass\n        exit, child",
    ),
    recovery(
        "a check's answer during a plan is forgotten",
        "            self.defer(event)\n            return\n        exit, child",
        "            return\n        exit, child",
    ),
    recovery(
        "a held child keeps its exception",
        "exit, child.failed_with = child.failed_with, None",
        "exit = child.failed_with",
    ),
    roster(
        "a child that is not held any more keeps its exception",
        "        child.failed_with = None\n",
        "",
    ),
    recovery(
        "a child is never held",
        "if event.down:",
        "if False:",
    ),
    recovery(
        "a child with needs is always held",
        "if event.down:",
        "if True:",
    ),
    recovery(
        "a held child costs a credit",
        "self.emit(events.ChildHeld(",
        "self.window.record(self.now)\n            self.emit(events.ChildHeld(",
    ),
    recovery(
        "what is held is part of the streak",
        "self.emit(events.ChildHeld(",
        "child.streak += 1\n            self.emit(events.ChildHeld(",
    ),
    recovery(
        "a held child names also what is there",
        "needs=event.down, ",
        "needs=child.spec.needs, ",
    ),
    recovery(
        "a restart after a child was held does not say why",
        'child.verdict = "dependency_down"',
        "pass",
    ),
    recovery(
        "a held child is never released",
        "if child is None or child.state not in (ChildState.BACKOFF, ChildState.HELD):",
        "if child is None or child.state is not ChildState.BACKOFF:",
    ),
    # ------------------------------------------------------------------------------------------------ parked, and the end of all
    recovery(
        "a parked child is shown as stopped",
        "child.state = ChildState.FAILED",
        "child.state = ChildState.STOPPED",
    ),
    recovery(
        "a parked child is restarted with nobody asking",
        "child.state = ChildState.FAILED",
        "child.state = ChildState.FAILED\n        self.effects.append(effects.Retry(TryAgain(child.spec.id, exit)))\n"
        "        child.state = ChildState.RESTARTING",
    ),
    recovery(
        "nobody is told that a child is parked",
        "self.emit(events.ChildFailed(",
        "str(events.ChildFailed(",
    ),
    recovery(
        "which in a row a failure is that parks is not told",
        "verdict=verdict.name, **facts))\n        self.awaited_no_more",
        "verdict=verdict.name, **facts | {'streak': 0}))\n        self.awaited_no_more",
    ),
    recovery(
        "a startup waits for ever for a child that is parked",
        "verdict=verdict.name, **facts))\n        self.awaited_no_more(child)",
        "verdict=verdict.name, **facts))",
    ),
    termination(
        "all_significant counts a parked child as over",
        OVER,
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.FAILED)",
    ),
    termination(
        "all_significant counts a child that waits for its delay as over",
        OVER,
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.BACKOFF)",
    ),
    termination(
        "all_significant counts a held child as over",
        OVER,
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.HELD)",
    ),
    recovery(
        "the child that failed fatally is stopped as if it were up",
        "        child.state = ChildState.STOPPED\n        self.emit(\n            events.FatalFailure(",
        "        self.emit(\n            events.FatalFailure(",
    ),
    recovery(
        "nobody is told of a fatal failure",
        "self.emit(\n            events.FatalFailure(",
        "str(\n            events.FatalFailure(",
    ),
    recovery(
        "a fatal failure does not say what crashed",
        f"{FATAL}            error.__cause__ = exit.error",
        f"{FATAL}            pass",
    ),
    recovery(
        "a fatal failure ends its supervisor as if it had been stopped",
        f"{FATAL}            error.__cause__ = exit.error\n        self.begin_stop(Crashed(error))",
        f"{FATAL}            error.__cause__ = exit.error\n        self.begin_stop({SHUTDOWN})",
    ),
    recovery(
        "a supervisor below that failed fatally is restarted",
        "if self.ends_all(child, exit):\n            return",
        "pass",
    ),
    termination(
        "a fatal failure below a child that is not restarted is swallowed",
        "elif not self.ends_all(child, exit):",
        "else:",
    ),
    recovery(
        "the supervisor below that failed fatally is stopped as if it were up",
        "            child.state = ChildState.STOPPED\n            self.begin_stop(Crashed(fatal))",
        "            self.begin_stop(Crashed(fatal))",
    ),
    recovery(
        "a fatal failure behind another error is none",
        "for one in causes(error) if",
        "for one in filter(None, [error]) if",
    ),
    recovery(
        "a fatal failure below hides behind the error that brought it",
        "self.begin_stop(Crashed(fatal))",
        "self.begin_stop(exit)",
    ),
]
