"""Mutations of starts, stops, refusals and timers: those parts of machine.py."""

from functools import partial

from tests.mutations.mutation import Mutation

machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")

MUTATIONS = [
    machine(
        "a child that is told to stop is up when it says so",
        "if child is not None and child.state is ChildState.STARTING:",
        "if child is not None:",
    ),
    machine(
        "a start in time keeps its timer",
        "self.cancel_timer(child)\n            self.up(",
        "self.up(",
    ),
    machine(
        "the plan does not go on when the child that it waits for is up",
        "self.up(child, event.value)\n            self.awaited_no_more(child)",
        "self.up(child, event.value)",
    ),
    machine(
        "a start that fails keeps its timer",
        "self.cancel_timer(child)\n            self.failed_to_start(",
        "self.failed_to_start(",
    ),
    machine(
        "a start that fails while it is stopped has failed by itself",
        "elif child.is_up:\n            self.gone(child, event.exit)\n\n    def _ignored",
        "elif child.is_up:\n            self.cancel_timer(child)\n            self.failed_to_start(child, event.exit)\n\n"
        "    def _ignored",
    ),
    machine(
        "a child that ignores instead of stopping was never told to",
        "            self.gone(child, Shutdown())\n            return\n",
        "            pass\n",
    ),
    machine(
        "a child that ignores keeps the timer of its start",
        "self.cancel_timer(child)\n        child.state = ChildState.DONE",
        "child.state = ChildState.DONE",
    ),
    machine(
        "a child that ignored is shown as stopped",
        "child.state = ChildState.DONE\n        child.down_since = None\n        self.emit",
        "child.state = ChildState.STOPPED\n        child.down_since = None\n        self.emit",
    ),
    machine(
        "the time after a restart that ignores is downtime",
        "child.state = ChildState.DONE\n        child.down_since = None\n        self.emit",
        "child.state = ChildState.DONE\n        self.emit",
    ),
    machine(
        "whoever waits for a start that ignores is not told",
        "        self.answer_start(child, None)\n",
        "",
    ),
    machine(
        "a start that is to be stopped and ignores keeps its group from going on",
        "if child.stop_pending:\n            self.stopped(child)\n            return\n        if self.spec",
        "if self.spec",
    ),
    machine(
        "a temporary child that ignores is kept",
        "if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:  # S12, S24",
        "if self.spec.dynamic:",
    ),
    machine(
        "a dynamic child that ignores is kept",
        "if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:  # S12, S24",
        "if child.spec.restart is Restart.TEMPORARY:",
    ),
    machine(
        "every child that ignores is forgotten",
        "if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:  # S12, S24",
        "if True:",
    ),
    termination(
        "whoever waits for a start that fails is not told",
        "        self.answer_start(child, error)\n        if isinstance(exit, Refused):\n            child.failure",
        "        if isinstance(exit, Refused):\n            child.failure",
    ),
    termination(
        "a start by request that refused is kept when it ends after all",
        "            child.failure = error\n",
        "",
    ),
    termination(
        "a start_child that fails is kept",
        "self.forget(child)\n            self.advance()",
        "self.advance()",
    ),
    termination(
        "a start_child that fails while it is to be stopped keeps its group from going on",
        "self.forget(child)\n            self.advance()",
        "self.forget(child)",
    ),
    termination(
        "a start_child that fails while it is to be stopped comes back with its group",
        "if child.purpose is Purpose.START_CHILD:",
        "if child.purpose is Purpose.START_CHILD and not child.stop_pending:",
    ),
    termination(
        "a start that is to be stopped and fails undoes the startup or is tried again",
        "elif child.stop_pending:",
        "elif False:",
    ),
    termination(
        "a first start that fails is tried again",
        "case Purpose.STARTUP:\n                self.begin_stop(Crashed(error))",
        "case Purpose.STARTUP:\n                self.restart_failed(child, exit)",
    ),
    termination(
        "a first start that fails ends its supervisor as if it had been stopped",
        "case Purpose.STARTUP:\n                self.begin_stop(Crashed(error))",
        "case Purpose.STARTUP:\n                self.begin_stop(Shutdown())",
    ),
    termination(
        "the time after a restart_child that failed is downtime",
        "child.down_since = None\n            child.left_behind = False",
        "child.left_behind = False",
    ),
    termination(
        "a plan waits for ever for a child whose restart_child fails",
        "child.left_behind = False\n        self.awaited_no_more(child)",
        "child.left_behind = False",
    ),
    termination(
        "a restart that fails is not tried again",
        "self._group_begins_anew(child)\n                self.restart_failed(child, exit)",
        "self._group_begins_anew(child)\n                self.awaited_no_more(child)",
    ),
    termination(
        "requests that waited for a start that took too long are forgotten",
        "        for request in child.pop_waiting():\n            self.request(request)\n\n    def _after_failed_start",
        "\n    def _after_failed_start",
    ),
    machine(
        "a brutal stop asks first",
        "self.kill_all(event.exit)",
        "pass",
    ),
    machine(
        "every stop is brutal",
        "if event.brutal:",
        "if True:",
    ),
    termination(
        "shutdown timers are not cancelled",
        'has ended."""\n        self.cancel_timer(child)\n',
        'has ended."""\n',
    ),
    termination(
        "a stopped child still shows its value",
        "            self._ended_after_all(child)\n        child.ended(self.now)\n",
        "            self._ended_after_all(child)\n        child.down_since = self.now\n",
    ),
    termination(
        "the downtime of a stopped child does not begin with its end",
        "child.ended(self.now)\n        failure, child.failure",
        "child.value = None\n        failure, child.failure",
    ),
    termination(
        "a start that took too long fails although a request decides what follows",
        "if failure is not None and not child.is_claimed:",
        "if failure is not None:",
    ),
    termination(
        "a start that took too long was only stopped",
        "if failure is not None and not child.is_claimed:",
        "if False:",
    ),
    termination(
        "a start that took too long has failed for ever",
        "failure, child.failure = child.failure, None",
        "failure = child.failure",
    ),
    termination(
        "a stopped child seems to have ended by itself",
        "self.emit_exited(child, exit, asked=True)",
        "self.emit_exited(child, exit, asked=False)",
    ),
    termination(
        "a supervisor below that was stopped and refused counts as gone",
        "self.emit_exited(child, exit, asked=True)\n        if isinstance(exit, Refused):",
        "self.emit_exited(child, exit, asked=True)\n        if False:",
    ),
    termination(
        "a casualty of a group is to be stopped for ever",
        "planned, child.stop_pending = child.stop_pending, False",
        "planned = child.stop_pending",
    ),
    termination(
        "whoever waits for a start that a group stops is told that it was stopped",
        "if not planned or temporary:",
        "if True:",
    ),
    termination(
        "whoever waits for a temporary start that a group stops is not told",
        "if not planned or temporary:",
        "if not planned:",
    ),
    termination(
        "whoever waits for a start that was stopped is not told",
        "if not planned or temporary:",
        "if temporary:",
    ),
    termination(
        "a request that waited is forgotten",
        "        for request in child.pop_waiting():\n            self.request(request)\n        known",
        "        child.pop_waiting()\n        known",
    ),
    termination(
        "a request that waited is handled twice",
        "        for request in child.pop_waiting():\n            self.request(request)\n        known",
        "        for request in 2 * child.pop_waiting():\n            self.request(request)\n        known",
    ),
    termination(
        "only the first request that waited is handled",
        "        for request in child.pop_waiting():\n            self.request(request)\n        known",
        "        for request in child.pop_waiting()[:1]:\n            self.request(request)\n        known",
    ),
    termination(
        "a dynamic child that was restarted by request is forgotten",
        "known = self.children.get(child.spec.id) is child and child.state is ChildState.STOPPED",
        "known = self.children.get(child.spec.id) is child",
    ),
    termination(
        "a child that was added while the one before ended is forgotten",
        "known = self.children.get(child.spec.id) is child and child.state is ChildState.STOPPED",
        "known = child.state is ChildState.STOPPED",
    ),
    termination(
        "a temporary sibling is kept when its group is restarted",
        "if known and (temporary or (self.spec.dynamic and not planned)):",
        "if known and self.spec.dynamic and not planned:",
    ),
    termination(
        "a dynamic child that was stopped is kept",
        "if known and (temporary or (self.spec.dynamic and not planned)):",
        "if known and temporary:",
    ),
    termination(
        "a plan does not go on when the child that it stopped is gone",
        "if planned:\n            self.advance()",
        "if planned:\n            pass",
    ),
    termination(
        "the startup does not go on without a child that was stopped",
        "        else:\n            self.awaited_no_more(child)\n\n    def request",
        "\n    def request",
    ),
    machine(
        "a timer that is a moment too late counts",
        "if child is None or child.timer != event.timer:",
        "if child is None:",
    ),
    machine(
        "a timer that has gone off is cancelled",
        "child.timer = None\n        match",
        "match",
    ),
    machine(
        "a start that is to be stopped and takes too long is stopped before its turn",
        "if not child.stop_pending:",
        "if True:",
    ),
    machine(
        "a start that takes too long is killed without being asked",
        "child.spec.start_timeout or 0.0)\n                    self.stop(child)",
        "child.spec.start_timeout or 0.0)\n                    self.kill(child)",
    ),
    machine(
        "a child that is not gone in its time is not killed",
        "self._late(child)\n                self.kill(child)",
        "self._late(child)",
    ),
    machine(
        "nobody is told that a child refused",
        "self.emit_with_chain(refused)",
        "str(refused)",
    ),
    termination(
        "who refused is not named in the end",
        "self.refused.extend(paths)",
        "pass",
    ),
    termination(
        "whoever waits for the start of one that refused is not told",
        "self.refused.extend(paths)\n        self.answer_start(child, error)",
        "self.refused.extend(paths)",
    ),
    termination(
        "a terminate behind a restart does not take back that it is made up for",
        "child.revive = isinstance(request, RestartNow)",
        "child.revive = child.revive or isinstance(request, RestartNow)",
    ),
    termination(
        "a restart that is refused is not made up for",
        "child.revive = isinstance(request, RestartNow)",
        "child.revive = False",
    ),
    termination(
        "a request that waited for one that refused gets no answer",
        "self.complete(request.token, error)",
        "pass",
    ),
    termination(
        "the stop of the others waits for one that refused",
        "if self.phase is Phase.STOPPING:\n            self.advance()\n        elif needed:",
        "if self.phase is Phase.STOPPING:\n            pass\n        elif needed:",
    ),
    termination(
        "a supervisor that needs the place of one that refused does not give up",
        "elif needed:",
        "elif False:",
    ),
    termination(
        "a supervisor gives up whoever refuses",
        "needed = _is_needed(child)",
        "needed = True",
    ),
    termination(
        "whoever asked for a group restart is not told who refused",
        "self.answer_plan(error)\n            self.begin_stop(",
        "self.begin_stop(",
    ),
    termination(
        "the startup does not go on without one that refused",
        "self._answer_for(child, error)\n            self.awaited_no_more(child)",
        "self._answer_for(child, error)",
    ),
    termination(
        "one that refused and is gone is named in the end",
        "self.refused = [path for path in self.refused if not is_within(path, child.path)]",
        "pass",
    ),
    termination(
        "when one that refused is gone the others are not named any more",
        "self.refused = [path for path in self.refused if not is_within(path, child.path)]",
        "self.refused = []",
    ),
    termination(
        "those below one that refused are named when it is gone",
        "if not is_within(path, child.path)]",
        "if path != child.path]",
    ),
    termination(
        "a child is made up for again and again",
        "            child.revive = False\n            child.wait(",
        "            child.wait(",
    ),
    termination(
        "a supervisor that stops still takes requests",
        "if self.phase in (Phase.STOPPING, Phase.DONE):",
        "if self.phase is Phase.DONE:",
    ),
    termination(
        "a supervisor that has ended still takes requests",
        "if self.phase in (Phase.STOPPING, Phase.DONE):",
        "if self.phase is Phase.STOPPING:",
    ),
    termination(
        "a group does not need the place of one that refuses",
        "if child.stop_pending:\n        return True\n    if child.is_claimed or",
        "if child.is_claimed or",
    ),
    termination(
        "a supervisor gives up when a request meets one that refuses",
        "    if child.is_claimed or child.stays_down:\n",
        "    if child.stays_down:\n",
    ),
    termination(
        "a restart that took too long and refuses does not end its supervisor",
        "return child.purpose in (Purpose.STARTUP, Purpose.RESTART)",
        "return child.purpose is Purpose.STARTUP",
    ),
    termination(
        "a startup that took too long and refuses goes on without the child",
        "return child.purpose in (Purpose.STARTUP, Purpose.RESTART)",
        "return child.purpose is Purpose.RESTART",
    ),
    termination(
        "a supervisor gives up for a start that was only asked for",
        "return child.purpose in (Purpose.STARTUP, Purpose.RESTART)",
        "return True",
    ),
    termination(
        "a supervisor gives up for a temporary child",
        "return child.spec.restart is not Restart.TEMPORARY",
        "return True",
    ),
    termination(
        "a child that returned before it was ready does not say so",
        'why = "it returned before task_status.started()" if isinstance(exit, Normal) else str(exit)',
        "why = str(exit)",
    ),
    termination(
        "a supervisor takes the time limit of a child below for its own",
        "if type(exit.error) is StartTimeout and exit.error.path is child.path:",
        "if type(exit.error) is StartTimeout:",
    ),
    termination(
        "a start that failed does not say why",
        "error.__cause__ = exit.error\n    return error",
        "return error",
    ),
    machine(
        "a supervisor that is restarted begins with fresh counters",
        "child.inherit(predecessors[id])",
        "pass",
    ),
]
