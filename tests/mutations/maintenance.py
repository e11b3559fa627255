"""Mutations of maintenance: maintenance.py, and what the rest of the machine knows of it."""

from functools import partial

from tests.mutations.mutation import Mutation

maintenance = partial(Mutation, "maintenance.py")
recovery = partial(Mutation, "recovery.py")
machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")
child = partial(Mutation, "child.py")
plan = partial(Mutation, "plan.py")
roster = partial(Mutation, "roster.py")
requests = partial(Mutation, "requests.py")
intensity = partial(Mutation, "intensity.py")

OVER = "over = (ChildState.STOPPED, ChildState.DONE)"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ an end under maintenance
    recovery(
        "maintenance is ignored",
        "if child.paused:\n            self.leave_paused(child, exit)\n            return\n        if child.guarded:",
        "if child.guarded:",
    ),
    recovery(
        "a policy comes before maintenance",
        "if child.paused:\n            self.leave_paused(child, exit)\n            return\n        if child.guarded:\n"
        "            self._recover_guarded(child, exit)\n            return\n",
        "if child.guarded:\n            self._recover_guarded(child, exit)\n            return\n"
        "        if child.paused:\n            self.leave_paused(child, exit)\n            return\n",
    ),
    recovery(
        "an end under maintenance costs a credit",
        "child.state = ChildState.PAUSED\n",
        "child.state = ChildState.PAUSED\n        self.window.record(self.now)\n",
    ),
    recovery(
        "an end under maintenance is part of the streak",
        "child.state = ChildState.PAUSED\n",
        "child.state = ChildState.PAUSED\n        child.streak += 1\n",
    ),
    recovery(
        "a child that ended under maintenance is shown as parked",
        "child.state = ChildState.PAUSED\n",
        "child.state = ChildState.FAILED\n",
    ),
    recovery(
        "nobody is told of an end under maintenance",
        "self.emit(events.ChildPaused(path=child.path, at=self.now, exit=exit, **facts))",
        "pass",
    ),
    recovery(
        "an end under maintenance does not say how",
        "self.emit(events.ChildPaused(path=child.path, at=self.now, exit=exit, **facts))",
        "self.emit(events.ChildPaused(path=child.path, at=self.now, exit=None, **facts))",
    ),
    recovery(
        "a start after maintenance does not say what it is for",
        'child.verdict = "maintenance"',
        "pass",
    ),
    recovery(
        "the downtime of a child whose first start failed under maintenance is not measured",
        'child.verdict = "maintenance"\n        if child.down_since is None:',
        'child.verdict = "maintenance"\n        if False:',
    ),
    recovery(
        "the downtime of a child begins anew with its maintenance",
        'child.verdict = "maintenance"\n        if child.down_since is None:',
        'child.verdict = "maintenance"\n        if True:',
    ),
    recovery(
        "a startup waits for ever for a child that failed under maintenance",
        "at=self.now, exit=exit, **facts))\n        self.awaited_no_more(child)\n\n    def _end_all",
        "at=self.now, exit=exit, **facts))\n\n    def _end_all",
    ),
    termination(
        "a first start that fails under maintenance undoes all",
        "case Purpose.STARTUP | Purpose.RESTART | Purpose.REQUEST if child.stays_down:",
        "case Purpose.RESTART | Purpose.REQUEST if child.stays_down:",
    ),
    termination(
        "a restart that fails under maintenance is tried again",
        "case Purpose.STARTUP | Purpose.RESTART | Purpose.REQUEST if child.stays_down:",
        "case Purpose.STARTUP | Purpose.REQUEST if child.stays_down:",
    ),
    child(
        "a temporary child whose start fails under maintenance is kept for a restart",
        "return self.paused and self.spec.restart is not Restart.TEMPORARY",
        "return self.paused",
    ),
    termination(
        "whoever asked for a restart that fails under maintenance is given a value",
        "if self.plan is not None and self.plan.target is child:\n            self.answer_plan(error)",
        "pass",
    ),
    termination(
        "a sibling that fails under maintenance is the answer to whoever asked for a group restart",
        "if self.plan is not None and self.plan.target is child:",
        "if self.plan is not None:",
    ),
    termination(
        "the place of a child under maintenance is needed for its restart",
        "if child.is_claimed or child.stays_down:",
        "if child.is_claimed:",
    ),
    termination(
        "a group does not need the place of one that refuses under maintenance",
        "    if child.stop_pending:\n        return True\n    if child.is_claimed or child.stays_down:\n        return False\n",
        "    if child.stays_down:\n        return False\n    if child.stop_pending:\n        return True\n"
        "    if child.is_claimed:\n        return False\n",
    ),
    termination(
        "all_significant counts a child that is down over its maintenance as over",
        OVER,
        "over = (ChildState.STOPPED, ChildState.DONE, ChildState.PAUSED)",
    ),
    # ------------------------------------------------------------------------------------------------ pause
    maintenance(
        "a child that waits for its restart gets it in spite of maintenance",
        "if child.state in WAITING:",
        "if False:",
    ),
    maintenance(
        "the delay of a child goes on under maintenance",
        "            supervisor.cancel_retry(child)\n",
        "",
    ),
    maintenance(
        "how a child ended whose needs are being asked is not told",
        "supervisor.leave_paused(child, exit)",
        "supervisor.leave_paused(child, None)",
    ),
    maintenance(
        "maintenance of all does not count for those that are added",
        "supervisor.paused = True",
        "pass",
    ),
    maintenance(
        "maintenance of all is never over for those that are added",
        "supervisor.paused = False",
        "pass",
    ),
    maintenance(
        "maintenance of one child counts for those that are added",
        "    if not id:\n        _WHOLE",
        "    if True:\n        _WHOLE",
    ),
    maintenance(
        "maintenance of one child is that of all",
        "[supervisor.children[id]] if id else list(supervisor.children.values())",
        "list(supervisor.children.values())",
    ),
    roster(
        "a child that is added is never under maintenance",
        "child.paused = self.paused",
        "child.paused = False",
    ),
    maintenance(
        "maintenance of an unknown child is fine",
        "        not_found(supervisor, request)\n        return\n",
        "        supervisor.reply(request, None)\n        return\n",
    ),
    # ------------------------------------------------------------------------------------------------ siblings and requests
    plan(
        "a sibling that is restarted starts who is down over its maintenance",
        "to_start = [c for c in group if c.state is not ChildState.PAUSED]",
        "to_start = group",
    ),
    plan(
        "a restart by request leaves down who is down over its maintenance",
        "elif child.state is ChildState.PAUSED:",
        "elif False:",
    ),
    requests(
        "nobody is told that a child that was down over its maintenance was terminated",
        "_PARKED = (ChildState.FAILED, ChildState.PAUSED)",
        "_PARKED = (ChildState.FAILED,)",
    ),
    # ------------------------------------------------------------------------------------------------ resume
    maintenance(
        "maintenance is never over",
        "child.paused = False",
        "pass",
    ),
    maintenance(
        "a child stays down when its maintenance is over",
        "supervisor.restart_due(RestartDue(child.spec.id, child.generation))",
        "pass",
    ),
    maintenance(
        "the end of maintenance starts also who was stopped by request",
        "if child.state is ChildState.PAUSED]",
        "if child.state in (ChildState.PAUSED, ChildState.STOPPED)]",
    ),
    maintenance(
        "each child that is down over its maintenance restarts its group",
        "        child.retry_at = supervisor.now\n    for child in down:\n        supervisor.restart_due",
        "        child.retry_at = supervisor.now\n        supervisor.restart_due",
    ),
    maintenance(
        "a supervisor that stops starts those whose maintenance is over",
        "    if supervisor.phase in (Phase.STOPPING, Phase.DONE):\n        return\n",
        "",
    ),
    # ------------------------------------------------------------------------------------------------ the next incarnation
    child(
        "maintenance ends with the supervisor",
        "self.paused = predecessor.paused",
        "self.paused = False",
    ),
    child(
        "a new supervisor starts those that are down over their maintenance",
        "if set_aside and self.paused:",
        "if False:",
    ),
    child(
        "a new supervisor leaves down those whose maintenance is over",
        "if set_aside and self.paused:",
        "if set_aside:",
    ),
    child(
        "a new supervisor takes all under maintenance for down",
        "if set_aside and self.paused:",
        "if self.paused:",
    ),
    child(
        "a child that stayed down over its maintenance has a collateral restart",
        "self.inherited = 0 if set_aside else predecessor.generation",
        "self.inherited = predecessor.generation",
    ),
    child(
        "with a new supervisor it is forgotten that a child is down over its maintenance",
        "            self.verdict = predecessor.verdict\n",
        "",
    ),
    machine(
        "a startup starts those that are down over their maintenance",
        "to_start = [child for child in self.children.values() if child.state is not ChildState.PAUSED]",
        "to_start = self.children.values()",
    ),
    machine(
        "those whom a supervisor under maintenance has for the first time are not",
        "                child.paused = paused\n",
        "                pass\n",
    ),
    machine(
        "those who are added to a supervisor that starts under maintenance are not",
        "        self.paused = paused\n",
        "",
    ),
    # ------------------------------------------------------------------------------------------------ reset
    child(
        "a reset leaves the streak",
        '"""Reset the streak and the budgets of its policy; the counters of restarts stay."""\n'
        "        self.streak = 0\n",
        '"""Reset the streak and the budgets of its policy; the counters of restarts stay."""\n',
    ),
    child(
        "a reset leaves what was used of the limits of a policy",
        "        self.streak = 0\n        self._budgets = None\n",
        "        self.streak = 0\n",
    ),
    child(
        "a reset forgets what was counted",
        "        self.streak = 0\n        self._budgets = None\n",
        "        self.streak = self.crashes = 0\n        self._budgets = None\n",
    ),
    maintenance(
        "a reset of all leaves the window",
        "supervisor.window.clear()",
        "pass",
    ),
    intensity(
        "a window that is cleared keeps the last restart",
        "self._stamps.clear()",
        "self._stamps = deque(tuple(self._stamps)[-1:])",
    ),
]
