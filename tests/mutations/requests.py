"""Mutations of how a supervisor answers: requests.py."""

from functools import partial

from tests.mutations.mutation import Mutation

requests = partial(Mutation, "requests.py")

MUTATIONS = [
    requests(
        "a start_child that meets a child on its way down does not wait",
        "if known is not None and known.state is ChildState.STOPPING:",
        "if False:",
    ),
    requests(
        "a child that is being restarted has already started",
        "up = known.is_up and not known.is_restarting",
        "up = known.is_up",
    ),
    requests(
        "a child that is down has already started",
        "errors.AlreadyStarted(path) if up else errors.AlreadyPresent(path)",
        "errors.AlreadyStarted(path)",
    ),
    requests(
        "one child more than max_children",
        "len(supervisor.children) >= limit",
        "len(supervisor.children) > limit",
    ),
    requests(
        "one child less than max_children",
        "len(supervisor.children) >= limit",
        "len(supervisor.children) + 1 >= limit",
    ),
    requests(
        "children in a restart do not count for max_children",
        "len(supervisor.children) >= limit",
        "sum(not c.is_restarting for c in supervisor.children.values()) >= limit",
    ),
    requests(
        "a start_child that fails is tried again",
        "supervisor.start(child, Purpose.START_CHILD)",
        "supervisor.start(child, Purpose.RESTART)",
    ),
    requests(
        "a start_child gets no answer",
        "child.token = request.token\n        supervisor.start(child, Purpose.START_CHILD)",
        "supervisor.start(child, Purpose.START_CHILD)",
    ),
    requests(
        "terminate_child does not take back the restart of one that refused",
        "child.revive = False",
        "pass",
    ),
    requests(
        "terminate_child of one that refused waits for its end",
        "child.revive = False\n        supervisor.reply(request, errors.ChildRefused((child.path,)))",
        "child.wait(request)",
    ),
    requests(
        "terminate_child answers before the child is gone",
        "child.wait(request)\n        if child.state is not ChildState.STOPPING and",
        "supervisor.reply(request, None)\n        if child.state is not ChildState.STOPPING and",
    ),
    requests(
        "a second terminate_child tells the child a second time",
        "if child.state is not ChildState.STOPPING and not child.stop_pending:",
        "if not child.stop_pending:",
    ),
    requests(
        "terminate_child stops a child of a group before its turn",
        "if child.state is not ChildState.STOPPING and not child.stop_pending:",
        "if child.state is not ChildState.STOPPING:",
    ),
    requests(
        "terminate_child of a child that is down is answered twice",
        "_terminate_down(supervisor, child)\n        supervisor.reply(request, None)",
        "_terminate_down(supervisor, child)\n        supervisor.reply(request, None)\n        supervisor.reply(request, None)",
    ),
    requests(
        "terminate_child does not overtake an end that waits for its decision",
        "if child.state is ChildState.EXITED:",
        "if False:",
    ),
    requests(
        "terminate_child does not cancel the retry",
        "    supervisor.cancel_retry(child)\n    child.left_behind = False\n",
        "    child.left_behind = False\n",
    ),
    requests(
        "the time after a terminate_child is downtime",
        "    child.left_behind = False\n    child.down_since = None\n",
        "    child.left_behind = False\n",
    ),
    requests(
        "whoever waits for a start is not told that it was terminated",
        "    supervisor.answer_start(child, stopped_early(child))\n",
        "",
    ),
    requests(
        "terminate_child leaves a restart that waits as it is",
        "    supervisor.cancel_deferred_restarts(child)\n    if supervisor.plan",
        "    if supervisor.plan",
    ),
    requests(
        "a terminate_child that waits leaves a restart that waits as it is",
        "supervisor.cancel_deferred_restarts(child)\n        child.wait(request)",
        "child.wait(request)",
    ),
    requests(
        "a child that is terminated before its turn has its turn",
        "    if supervisor.plan is not None:\n        supervisor.plan.drop(child)\n",
        "",
    ),
    requests(
        "a temporary child that is down is kept by terminate_child",
        "forgets = supervisor.spec.dynamic or child.spec.restart is Restart.TEMPORARY",
        "forgets = supervisor.spec.dynamic",
    ),
    requests(
        "a dynamic child that is down is kept by terminate_child",
        "forgets = supervisor.spec.dynamic or child.spec.restart is Restart.TEMPORARY",
        "forgets = child.spec.restart is Restart.TEMPORARY",
    ),
    requests(
        "a static child that is down is forgotten by terminate_child",
        "forgets = supervisor.spec.dynamic or child.spec.restart is Restart.TEMPORARY",
        "forgets = True",
    ),
    requests(
        "restart_child gets no answer",
        "child.token = request.token\n        supervisor.start(child, Purpose.RESTART_CHILD)",
        "supervisor.start(child, Purpose.RESTART_CHILD)",
    ),
    requests(
        "a restart_child that fails is tried again",
        "supervisor.start(child, Purpose.RESTART_CHILD)",
        "supervisor.start(child, Purpose.RESTART)",
    ),
    requests(
        "a restart_child that fails forgets the child",
        "supervisor.start(child, Purpose.RESTART_CHILD)",
        "supervisor.start(child, Purpose.START_CHILD)",
    ),
    requests(
        "delete_child forgets nothing",
        "        supervisor.forget(child)\n        supervisor.reply(request, None)",
        "        supervisor.reply(request, None)",
    ),
    requests(
        "delete_child gets no answer",
        "        supervisor.forget(child)\n        supervisor.reply(request, None)",
        "        supervisor.forget(child)",
    ),
    requests(
        "a temporary child is restarted by request",
        "elif child.spec.restart is Restart.TEMPORARY:",
        "elif False:",
    ),
    requests(
        "the restart of one that refused is not made up for",
        "child.revive = True",
        "pass",
    ),
    requests(
        "a restart of a child on its way down tells it a second time",
        "        child.wait(request)\n    elif plan is not None",
        "        _restart_alone(supervisor, child, request)\n    elif plan is not None",
    ),
    requests(
        "a restart in a group does not wait for the plan at work",
        "and (supervisor.grouped or child.state in _UNDECIDED):",
        "and child.state in _UNDECIDED:",
    ),
    requests(
        "a restart does not wait for the decision about an end",
        "and (supervisor.grouped or child.state in _UNDECIDED):",
        "and supervisor.grouped:",
    ),
    requests(
        "a restart during any plan waits for it",
        "and (supervisor.grouped or child.state in _UNDECIDED):",
        "and True:",
    ),
    requests(
        "a restart of the child that a startup waits for waits for the startup",
        "elif plan is not None and plan.awaited is not child and",
        "elif plan is not None and",
    ),
    requests(
        "a restart by request leaves the siblings of its group alone",
        "elif plan is None and supervisor.grouped:",
        "elif False:",
    ),
    requests(
        "a restart of a group counts as a crash",
        "supervisor.restart_group(child, Cause.MANUAL, None, request.token)",
        "supervisor.restart_group(child, Cause.CRASH, None, request.token)",
    ),
    requests(
        "a restart by request costs a credit",
        "        supervisor.restart_one(child, Cause.MANUAL, None, request.token)",
        "        supervisor.window.record(supervisor.now)\n        supervisor.restart_one(child, Cause.MANUAL, None, request.token)",
    ),
    requests(
        "a restart does not wait for the end of the old incarnation",
        "    if child.is_up:\n        child.wait(request)\n        supervisor.stop(child)\n    else:\n",
        "    if True:\n",
    ),
    requests(
        "a dynamic supervisor deletes and restarts what is down",
        "    if supervisor.spec.dynamic:\n        name",
        "    if False:\n        name",
    ),
    requests(
        "a request that needs a child that is down does not wait for its end",
        "        child.wait(request)\n    elif child.is_restarting",
        "        supervisor.reply(request, errors.Running(child.path))\n    elif child.is_restarting",
    ),
    requests(
        "a child that is being restarted counts as down or running",
        "elif child.is_restarting or child.state",
        "elif child.state",
    ),
    requests(
        "a child whose end is undecided counts as down",
        "_UNDECIDED = (ChildState.EXITED, ChildState.PENDING)",
        "_UNDECIDED = (ChildState.PENDING,)",
    ),
    requests(
        "a child whose turn has not come counts as down",
        "_UNDECIDED = (ChildState.EXITED, ChildState.PENDING)",
        "_UNDECIDED = (ChildState.EXITED,)",
    ),
    requests(
        "a sibling that is about to be started counts as down",
        "or child.state in _UNDECIDED or _is_planned(supervisor, child):",
        "or child.state in _UNDECIDED:",
    ),
    requests(
        "any child of a plan is about to be started",
        "return supervisor.plan is not None and not child.is_up and child in supervisor.plan.to_start",
        "return supervisor.plan is not None and not child.is_up",
    ),
    requests(
        "a child that is up counts as down",
        "    elif child.is_up:\n        supervisor.reply(request, errors.Running(child.path))\n",
        "",
    ),
    requests(
        "whoever asks for an unknown child is not told the known ones",
        "tuple(supervisor.children)))",
        "()))",
    ),
    requests(
        "another spec is taken note of and not used",
        "        child.replace_spec(request.spec)\n",
        "",
    ),
    requests(
        "the supervisor's own spec still has the old one",
        "        supervisor.spec = supervisor.spec.with_child(request.spec)\n",
        "",
    ),
    requests(
        "whoever gives a child another spec is not told that it is done",
        "healthy_after=child.healthy_after))\n        supervisor.reply(request, None)",
        "healthy_after=child.healthy_after))",
    ),
]
