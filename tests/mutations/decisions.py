"""Mutations of who is restarted and how often: strategy.py, intensity.py, the ends in machine.py, restarts without a policy."""

from functools import partial

from tests.mutations.mutation import SHUTDOWN, Mutation

strategy = partial(Mutation, "strategy.py")
intensity = partial(Mutation, "intensity.py")
machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")
child = partial(Mutation, "child.py")
recovery = partial(Mutation, "recovery.py")

LIMIT = "error = IntensityReached(self.path, child.path, intensity, period)\n        if isinstance(exit, Crashed):\n"

MUTATIONS = [
    strategy(
        "a temporary child that crashes is restarted",
        "exit.abnormal and restart is not _TEMPORARY",
        "exit.abnormal",
    ),
    strategy(
        "a transient child that returns is restarted",
        "restart is _PERMANENT or (exit.abnormal and restart is not _TEMPORARY)",
        "restart is not _TEMPORARY",
    ),
    strategy(
        "a transient child that crashes is not restarted",
        "restart is _PERMANENT or (exit.abnormal and restart is not _TEMPORARY)",
        "restart is _PERMANENT",
    ),
    strategy(
        "a permanent child that returns is not restarted",
        "restart is _PERMANENT or (exit.abnormal and restart is not _TEMPORARY)",
        "exit.abnormal and restart is not _TEMPORARY",
    ),
    strategy(
        "one_for_all is rest_for_one",
        "return list(siblings)",
        "return _from(failed, siblings)",
    ),
    strategy(
        "rest_for_one is one_for_all",
        "            return _from(failed, siblings)",
        "            return list(siblings)",
    ),
    strategy(
        "rest_for_one restarts the one before too",
        "group.append(child)\n        if child == failed:",
        "group.append(child)\n        if failed in group[:-1]:",
    ),
    strategy(
        "rest_for_one restarts only the one behind",
        "return _from(failed, siblings)\n\n",
        "return _from(failed, siblings)[:2]\n\n",
    ),
    strategy(
        "rest_for_one starts last first",
        "    group.reverse()\n",
        "",
    ),
    intensity(
        "the window allows one restart too many",
        "len(stamps) <= self.intensity",
        "len(stamps) <= self.intensity + 1",
    ),
    intensity(
        "the window allows one restart too few",
        "len(stamps) <= self.intensity",
        "len(stamps) < self.intensity",
    ),
    intensity(
        "a restart exactly one period ago counts no more",
        "while stamps[0] < oldest:",
        "while stamps[0] <= oldest:",
    ),
    intensity(
        "restarts are never forgotten",
        "oldest = now - self.period",
        "oldest = stamps[0]",
    ),
    intensity(
        "the window is cut to whole seconds",
        "stamps.append(now)",
        "now = float(int(now))\n        stamps.append(now)",
    ),
    intensity(
        "only one restart is forgotten at a time",
        "while stamps[0] < oldest:",
        "if stamps[0] < oldest:",
    ),
    intensity(
        "the window tells one restart less than it holds",
        "        return len(self._stamps)",
        "        return len(self._stamps) - 1",
    ),
    recovery(
        "a retry that comes while its supervisor is busy is lost",
        "            self.defer(event)\n        elif child.state",
        "            pass\n        elif child.state",
    ),
    recovery(
        "the retry costs no credit",
        "self.recover(child, event.exit)",
        "self._restart(child, event.exit, _UNCLASSIFIED)",
    ),
    recovery(
        "a retry that somebody took care of is tried all the same",
        "elif child.state is ChildState.RESTARTING:  # else",
        "else:  #",
    ),
    recovery(
        "a retry that comes while its supervisor is busy with that child is forgotten",
        "if child is None:\n            return\n        if self._is_busy_without(child):\n            self.defer(event)\n"
        "        elif",
        "if child is None or child.state is not ChildState.RESTARTING:\n            return\n"
        "        if self._is_busy_without(child):\n            self.defer(event)\n        elif",
    ),
    recovery(
        "a retry comes at once, and nothing gets in between",
        "self.effects.append(effects.Retry(TryAgain(child.spec.id, exit)))",
        "self.try_again(TryAgain(child.spec.id, exit))",
    ),
    recovery(
        "the downtime of a restart that fails begins anew with each try",
        "if child.down_since is None:\n            child.down_since = self.now\n        self.effects",
        "child.down_since = self.now\n        self.effects",
    ),
    termination(
        "whoever asked for a group restart is not told that it failed",
        "is child:\n            self.answer_plan(error)\n\n    def _group_begins_anew",
        "is child:\n            pass\n\n    def _group_begins_anew",
    ),
    termination(
        "a group restart goes on behind the sibling that failed to start",
        "behind.left_behind = True\n            self.plan = None",
        "behind.left_behind = True\n            self.awaited_no_more(child)",
    ),
    recovery(
        "a sibling that failed to start is tried again within the same group restart",
        "if self.grouped and (plan is None or plan.purpose is not Purpose.STARTUP):",
        "if self.grouped and plan is None:",
    ),
    machine(
        "only one of the ends that waited is decided",
        "while self.deferred and self.plan is None:",
        "if self.deferred and self.plan is None:",
    ),
    machine(
        "what waits for a plan is decided in the middle of it",
        "while self.deferred and self.plan is None:",
        "while self.deferred:",
    ),
    machine(
        "ends that waited are decided newest first",
        "self.deferred.popleft()",
        "self.deferred.pop()",
    ),
    machine(
        "an end during a plan is decided at once",
        "child.state is _RUNNING and self.plan is not None and type(event.exit)",
        "child.state is ChildState.PENDING and type(event.exit)",
    ),
    machine(
        "a supervisor below that refuses during a plan waits for its decision",
        "self.plan is not None and type(event.exit) is not Refused",
        "self.plan is not None",
    ),
    machine(
        "an end that waited is forgotten",
        "elif child.state is _RUNNING or child.state is ChildState.EXITED:",
        "elif child.state is _RUNNING:",
    ),
    termination(
        "an end during a plan is lost",
        "self.deferred.append(event)",
        "pass",
    ),
    termination(
        "a child whose end waits for its decision still shows its value",
        "child.state = ChildState.EXITED\n        child.ended(self.now)",
        "child.state = ChildState.EXITED",
    ),
    termination(
        "the downtime of an end that waits begins with its decision",
        "child.ended(self.now)\n        if child.stop_pending:",
        "child.value = None\n        if child.stop_pending:",
    ),
    termination(
        "a second credit for a second casualty of a group",
        "self.emit_exited(child, event.exit, asked=False)\n            self.stopped(child)",
        "self.emit_exited(child, event.exit, asked=False)\n            self.window.record(self.now)\n"
        "            self.stopped(child)",
    ),
    termination(
        "the end of a second casualty is not told",
        "self.emit_exited(child, event.exit, asked=False)\n            self.stopped(child)",
        "self.stopped(child)",
    ),
    termination(
        "a second casualty of a group waits for a decision of its own",
        "if child.stop_pending:  # ended before its turn to be stopped; continue the plan, at no second credit (S26)",
        "if False:",
    ),
    child(
        "the downtime of an end that waited begins anew with its decision",
        "if self.down_since is None:\n            self.down_since = now\n",
        "self.down_since = now\n",
    ),
    child(
        "a child that starts again still shows the value of the dead one",
        "        self.value = None\n        if self.down_since",
        "        if self.down_since",
    ),
    termination(
        "a supervisor below in which somebody refused is started again",
        "wants_restart(child.spec.restart, exit) and type(exit) is not Refused",
        "wants_restart(child.spec.restart, exit)",
    ),
    termination(
        "an end for good is not told",
        "self.emit_exited(child, exit, asked=False)",
        "pass",
    ),
    termination(
        "a child that ended for good is shown as stopped",
        "child.state = ChildState.DONE\n        child.down_since = None\n        if self",
        "child.state = ChildState.STOPPED\n        child.down_since = None\n        if self",
    ),
    termination(
        "the time after an end for good is downtime",
        "child.state = ChildState.DONE\n        child.down_since = None\n        if self",
        "child.state = ChildState.DONE\n        if self",
    ),
    termination(
        "a temporary child that ended is kept",
        "if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:\n            self.forget(child)\n        if child",
        "if self.spec.dynamic:\n            self.forget(child)\n        if child",
    ),
    termination(
        "a dynamic child that ended for good is kept",
        "if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:\n            self.forget(child)\n        if child",
        "if child.spec.restart is Restart.TEMPORARY:\n            self.forget(child)\n        if child",
    ),
    termination(
        "a child without significance ends its supervisor",
        "if child.spec.significant and self._auto_shutdown():",
        "if self._auto_shutdown():",
    ),
    termination(
        "auto_shutdown ends as if somebody had stopped it",
        'Shutdown("auto_shutdown")',
        "Shutdown()",
    ),
    termination(
        "any_significant waits for the last",
        "if self.spec.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:",
        "if False:",
    ),
    termination(
        "all_significant ends with the first",
        "if self.spec.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:",
        "if True:",
    ),
    termination(
        "significant children that were stopped keep their supervisor up",
        "over = (ChildState.STOPPED, ChildState.DONE)",
        "over = (ChildState.DONE,)",
    ),
    termination(
        "a significant child that waits for its next try is over",
        "over = (ChildState.STOPPED, ChildState.DONE)",
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.RESTARTING)",
    ),
    termination(
        "a significant child whose end waits for its decision is over",
        "over = (ChildState.STOPPED, ChildState.DONE)",
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.EXITED)",
    ),
    termination(
        "all_significant waits for those without significance too",
        " for child in self.children.values() if child.spec.significant)",
        " for child in self.children.values())",
    ),
    recovery(
        "a group restart costs a credit for each of the group",
        "self.restart_group(child, _CRASH, exit)",
        "[self.window.record(self.now) for _ in list(self.children)[1:]]\n            self.restart_group(child, _CRASH, exit)",
    ),
    recovery(
        "every strategy is one_for_one",
        "if self.grouped and (plan is None or plan.purpose is not Purpose.STARTUP):",
        "if False:",
    ),
    recovery(
        "a crash counts as a restart that somebody asked for",
        "self.restart_one(child, _CRASH, exit)",
        "self.restart_one(child, Cause.MANUAL, exit)",
    ),
    recovery(
        "the child that broke the limit is stopped as if it were up",
        "        child.state = ChildState.STOPPED\n        error = IntensityReached",
        "        error = IntensityReached",
    ),
    recovery(
        "a supervisor over its limit ends as if it had been stopped",
        f"{LIMIT}            error.__cause__ = exit.error\n        self.begin_stop(Crashed(error))",
        f"{LIMIT}            error.__cause__ = exit.error\n        self.begin_stop({SHUTDOWN})",
    ),
    recovery(
        "a supervisor over its limit does not say what crashed",
        f"{LIMIT}            error.__cause__ = exit.error\n",
        f"{LIMIT}            pass\n",
    ),
]
