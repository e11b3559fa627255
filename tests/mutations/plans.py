"""Mutations of work on a group, its order and its crossings: plan.py."""

from functools import partial

from tests.mutations.mutation import Mutation

plan = partial(Mutation, "plan.py")

MUTATIONS = [
    plan(
        "a child that was terminated before its turn is started",
        "self.to_start.remove(child)",
        "pass",
    ),
    plan(
        "whoever asked for a restart is not told that it is up",
        "        child.token = token\n",
        "",
    ),
    plan(
        "a child that is restarted during the startup may fail in it",
        "self.start(child, Purpose.STARTUP)\n",
        "self.start(child, _RESTART)\n",
    ),
    plan(
        "a restart by request that fails during the startup undoes it",
        "self.plan is not None and self.plan.awaited is child and self.plan.purpose is Purpose.STARTUP:",
        "self.plan is not None and self.plan.purpose is Purpose.STARTUP:",
    ),
    plan(
        "the child that crashed is stopped with its group",
        "if cause is Cause.CRASH:\n            child.state = ChildState.STOPPED\n",
        "if cause is Cause.CRASH:\n",
    ),
    plan(
        "an undecided end that a group restart takes along is decided after it",
        "if sibling.state is ChildState.EXITED:",
        "if False:",
    ),
    plan(
        "a try that a group restart takes along is made all the same",
        "elif sibling.state in WAITING:",
        "elif False:",
    ),
    plan(
        "only running siblings are stopped for a group restart",
        "to_stop = [c for c in group if c.is_up]",
        "to_stop = [c for c in group if c.state is ChildState.RUNNING]",
    ),
    plan(
        "siblings are not stopped for a group restart",
        "to_stop = [c for c in group if c.is_up]",
        "to_stop = [c for c in group if c is child and c.is_up]",
    ),
    plan(
        "whoever asked for a group restart is never told",
        "to_start=to_start, target=child, cause=cause, token=token)",
        "to_start=to_start, target=child, cause=cause)",
    ),
    plan(
        "a restart that somebody asked for counts as a crash",
        "to_start=to_start, target=child, cause=cause, token=token)",
        "to_start=to_start, target=child, token=token)",
    ),
    plan(
        "only those that were up are started with their group",
        "to_start=to_start, target=child",
        "to_start=[*to_stop, child], target=child",
    ),
    plan(
        "manual and collateral restarts are mixed up",
        "elif cause is Cause.MANUAL:",
        "elif cause is Cause.COLLATERAL:",
    ),
    plan(
        "a restart event tells the generation that ended",
        "generation=child.generation + 1,",
        "generation=child.generation,",
    ),
    plan(
        "a supervisor that has ended ends again with each late child",
        "if plan is None or self.phase is Phase.DONE or not",
        "if plan is None or not",
    ),
    plan(
        "a restart that was stopped is answered with the old value",
        "if target.state in (ChildState.STOPPED, ChildState.REFUSED):",
        "if target.state is ChildState.REFUSED:",
    ),
    plan(
        "a restart that refused is answered with the old value",
        "if target.state in (ChildState.STOPPED, ChildState.REFUSED):",
        "if target.state is ChildState.STOPPED:",
    ),
    plan(
        "children are stopped first first",
        "self.to_stop = list(to_stop)",
        "self.to_stop = list(to_stop)[::-1]",
    ),
    plan(
        "a child that starts is not stopped with its group",
        "if child.state in (ChildState.RUNNING, ChildState.STARTING):\n                    self.stop(child)\n                if",
        "if child.state is ChildState.RUNNING:\n                    self.stop(child)\n                if",
    ),
    plan(
        "a group is started while one of it still stops",
        "if child.state is ChildState.STOPPING:\n                    return False",
        "pass",
    ),
    plan(
        "a child that a request has stopped and started is stopped by the plan once more",
        "            if child.stop_pending:  #",
        "            if True:  #",
    ),
    plan(
        "those behind do not wait for one that starts",
        "if child.state is ChildState.STARTING:\n                plan.awaited = child\n                return False",
        "if child.state is ChildState.STARTING:\n                plan.awaited = child",
    ),
    plan(
        "the readiness of one does not hold up those behind",
        "if child.state is ChildState.STARTING:\n                plan.awaited = child\n                return False",
        "pass",
    ),
    plan(
        "something else that ends lets the next start too early",
        "if plan.awaited is not None:",
        "if False:",
    ),
    plan(
        "children are started last first",
        "child = plan.to_start.popleft()",
        "child = plan.to_start.pop()",
    ),
    plan(
        "a second incarnation is started beside one that refused",
        "if child.state is ChildState.REFUSED:",
        "if False:",
    ),
    plan(
        "a temporary sibling comes back with its group",
        "if self.children.get(child.spec.id) is not child:",
        "if False:",
    ),
    plan(
        "a child that was added again is taken for the one before",
        "if self.children.get(child.spec.id) is not child:",
        "if child.spec.id not in self.children:",
    ),
    plan(
        "the child that crashed is counted twice in a group restart",
        "if purpose is not Purpose.STARTUP and not (child is plan.target and plan.cause is Cause.CRASH):",
        "if purpose is not Purpose.STARTUP:",
    ),
    plan(
        "a restart of a group that was asked for does not count",
        "if purpose is not Purpose.STARTUP and not (child is plan.target and plan.cause is Cause.CRASH):",
        "if purpose is not Purpose.STARTUP and child is not plan.target:",
    ),
    plan(
        "first starts count as restarts",
        "if purpose is not Purpose.STARTUP and not",
        "if not",
    ),
    plan(
        "collateral restarts count as what began them",
        "plan.cause if child is plan.target else Cause.COLLATERAL",
        "plan.cause",
    ),
    plan(
        "the readiness of another lets the plan go on",
        "if plan is not None and plan.awaited is child and not plan",
        "if plan is not None and not plan",
    ),
    plan(
        "the plan goes on before the child that it restarted is up",
        "plan.awaited is child and not plan.is_undecided(child):",
        "plan.awaited is child:",
    ),
    plan(
        "a startup goes on past a child that a request stops and starts",
        "_UNDECIDED = frozenset({ChildState.STARTING, ChildState.STOPPING, ChildState.RESTARTING})",
        "_UNDECIDED = frozenset({ChildState.STARTING, ChildState.RESTARTING})",
    ),
    plan(
        "whoever waits for the end of a plan is told twice",
        "token, self.plan.token = self.plan.token, None",
        "token = self.plan.token",
    ),
    plan(
        "a supervisor with all its children up is not ready",
        "self.effects.append(effects.Ready())",
        "pass",
    ),
    plan(
        "a second reason to stop begins the stop anew",
        "if self.phase in (Phase.STOPPING, Phase.DONE):",
        "if self.phase is Phase.DONE:",
    ),
    plan(
        "the reason to stop is lost",
        "        self._exit = exit\n        self.emit(",
        "        self.emit(",
    ),
    plan(
        "only running children are stopped with their supervisor",
        "to_stop=[child for child in children if child.is_up]",
        "to_stop=[child for child in children if child.state is ChildState.RUNNING]",
    ),
    plan(
        "dynamic children are stopped one at a time",
        "if self.spec.dynamic:\n            for",
        "if False:\n            for",
    ),
    plan(
        "static children are stopped all at once",
        "if self.spec.dynamic:\n            for",
        "if True:\n            for",
    ),
    plan(
        "a dynamic child on its way down is told a second time",
        "if child.state in (ChildState.RUNNING, ChildState.STARTING):\n                    self.stop(child)\n        self",
        "if child.state is not ChildState.REFUSED:\n                    self.stop(child)\n        self",
    ),
    plan(
        "a dynamic child that starts is stopped after the others",
        "if child.state in (ChildState.RUNNING, ChildState.STARTING):\n                    self.stop(child)\n        self",
        "if child.state is ChildState.RUNNING:\n                    self.stop(child)\n        self",
    ),
    plan(
        "whoever asked for a group restart gets no answer when its supervisor stops",
        "        self.answer_plan(NoProc(self.path))\n",
        "",
    ),
    plan(
        "whoever waits for a start gets no answer when its supervisor stops",
        "            self.answer_start(child, NoProc(self.path))\n",
        "",
    ),
    plan(
        "a request that waits gets no answer when its supervisor stops",
        "            for request in child.pop_waiting():\n",
        "            for request in ():\n",
    ),
    plan(
        "a restart that waits for a plan gets no answer when its supervisor stops",
        "                self.complete(event.token, NoProc(self.path))",
        "                pass",
    ),
    plan(
        "an undecided end is not told when its supervisor stops",
        "if child.state is ChildState.EXITED:\n                self.overtake(child)",
        "pass",
    ),
    plan(
        "a supervisor that ends keeps what was undecided",
        "        self.deferred.clear()\n",
        "",
    ),
    plan(
        "a supervisor ends as if nobody had refused",
        "exit = Refused(tuple(self.refused)) if self.refused else self._exit",
        "exit = self._exit",
    ),
    plan(
        "a supervisor that all have left after all still says who refused",
        "if isinstance(exit, Refused) and not self.refused:",
        "if False:",
    ),
    plan(
        "a brutal stop hides why its supervisor gave up",
        "if not self._exit.abnormal:",
        "if True:",
    ),
    plan(
        "a brutal stop does not say that it was one",
        "if not self._exit.abnormal:\n            self._exit = exit",
        "pass",
    ),
    plan(
        "a child that refused is killed once more",
        "if child.is_up and child.state is not ChildState.REFUSED:",
        "if child.is_up:",
    ),
    plan(
        "a brutal stop spares those that are on their way down",
        "if child.is_up and child.state is not ChildState.REFUSED:",
        "if child.is_up and child.state not in (ChildState.REFUSED, ChildState.STOPPING):",
    ),
    plan(
        "a terminate takes back the restarts of all that wait",
        "if isinstance(event, RestartNow) and event.child == child.spec.id:",
        "if isinstance(event, RestartNow):",
    ),
    plan(
        "a restart that a terminate takes back is not answered",
        "                self.complete(event.token, stopped_early(child))",
        "                pass",
    ),
    plan(
        "a restart that a terminate takes back is answered and done",
        "                self.deferred.remove(event)\n                self.complete(event.token, stopped_early(child))",
        "                self.complete(event.token, stopped_early(child))",
    ),
    plan(
        "an end that is part of something else is not told",
        "self.emit_exited(child, event.exit, asked=False)",
        "pass",
    ),
    plan(
        "a temporary child whose end is part of something else is kept",
        "if child.spec.restart is Restart.TEMPORARY:\n            self.forget(child)",
        "pass",
    ),
]
