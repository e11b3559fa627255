"""Mutations of a group restart that goes on without a child, or begins anew: plan.py, recovery.py, machine.py, child.py."""

from functools import partial

from tests.mutations.mutation import Mutation

plan = partial(Mutation, "plan.py")
recovery = partial(Mutation, "recovery.py")
machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")
maintenance = partial(Mutation, "maintenance.py")
requests = partial(Mutation, "requests.py")
child = partial(Mutation, "child.py")

WAITED_FOR = "return self.patient or child.failed_with is not None"
WAITS = "if child.state is ChildState.BACKOFF or child.state is ChildState.HELD:"
UNDECIDED = "_UNDECIDED = frozenset({ChildState.STARTING, ChildState.STOPPING, ChildState.RESTARTING})"
BEGINS_ANEW = "if self.plan is not None and self.plan.awaited is child and not child.is_judged:"
JUDGED = "return self.spec.policy is not None or bool(self.spec.needs)"
BEHIND = "if each.left_behind and each.state is ChildState.STOPPED]"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ who is waited for
    plan(
        "the restart of a group waits for a child that waits",
        WAITED_FOR,
        "return True",
    ),
    plan(
        "the first start of a tree goes on without a child that waits",
        WAITED_FOR,
        "return child.failed_with is not None",
    ),
    plan(
        "the restart of a group goes on before what a child needs has been asked",
        WAITED_FOR,
        "return self.patient",
    ),
    recovery(
        "the restart of a group goes on while it is asked what a child needs",
        "child.failed_with = exit\n        self.effects",
        "child.failed_with = exit\n        if self.plan is not None:\n            self.plan.awaited = None\n"
        "        self.advance()\n        self.effects",
    ),
    plan(
        "the restart of a group waits for what a child needs when that has been asked",
        WAITED_FOR,
        "return self.patient or child.state is ChildState.HELD",
    ),
    plan(
        "the first start of a tree goes on without a child that is held",
        WAITS,
        "if child.state is ChildState.BACKOFF:",
    ),
    plan(
        "the first start of a tree goes on without a child that waits for its delay",
        WAITS,
        "if child.state is ChildState.HELD:",
    ),
    plan(
        "a startup goes on past a child that a request has started anew",
        UNDECIDED,
        "_UNDECIDED = frozenset({ChildState.STOPPING, ChildState.RESTARTING})",
    ),
    machine(
        "no start of a tree waits for a child that waits",
        "to_start=to_start, patient=event.patient)",
        "to_start=to_start)",
    ),
    machine(
        "a supervisor that is restarted waits for a child that waits",
        "to_start=to_start, patient=event.patient)",
        "to_start=to_start, patient=True)",
    ),
    machine(
        "a supervisor that is restarted starts those below it as in the first start of the tree",
        "        self.patient = event.patient\n",
        "",
    ),
    recovery(
        "a group that waited for the answer of a probe does not go on without the child that is held",
        "needs=event.down, **facts))\n            self.awaited_no_more(child)",
        "needs=event.down, **facts))",
    ),
    recovery(
        "a group does not go on without the child that is delayed",
        "            )\n        )\n        self.awaited_no_more(child)\n\n    def restart_due",
        "            )\n        )\n\n    def restart_due",
    ),
    # ------------------------------------------------------------------------------------------------ it begins anew
    termination(
        "the restart of a group ends with a child that may come to wait",
        BEGINS_ANEW,
        "if self.plan is not None and self.plan.awaited is child:",
    ),
    termination(
        "a group begins anew with a child that may wait, and goes on with one that may not",
        BEGINS_ANEW,
        "if self.plan is not None and self.plan.awaited is child and child.is_judged:",
    ),
    child(
        "a policy has no child wait",
        JUDGED,
        "return bool(self.spec.needs)",
    ),
    child(
        "what a child needs does not have it wait",
        JUDGED,
        "return self.spec.policy is not None",
    ),
    # ------------------------------------------------------------------------------------------------ left behind
    termination(
        "nobody remembers who is down over a start that failed",
        "                behind.left_behind = True\n",
        "                pass\n",
    ),
    maintenance(
        "those behind a child whose next try is off stay down",
        "            supervisor.go_on_without(child)\n",
        "",
    ),
    plan(
        "those that were stopped by request come back when the next try of another is off",
        BEHIND,
        "if each.state is ChildState.STOPPED]",
    ),
    plan(
        "a child is started a second time when the next try of another is off",
        BEHIND,
        "if each.left_behind]",
    ),
    plan(
        "those behind a child whose next try is off are started in the middle of something else",
        "if self.plan is not None:  # start them at its end",
        "if False:  # they follow when that is done",
    ),
    plan(
        "those behind a child whose next try is off stay down if something else is under way",
        "self.plan.to_start.extend(each for each in behind if each not in self.plan.to_start)",
        "pass",
    ),
    plan(
        "one that is to be started anyway is started twice when the next try of another is off",
        "for each in behind if each not in self.plan.to_start)",
        "for each in behind)",
    ),
    requests(
        "a child that was left behind and is then stopped by request comes back",
        "    child.left_behind = False\n",
        "",
    ),
    termination(
        "a child that was left behind comes back although its restart_child failed",
        "            child.left_behind = False\n",
        "",
    ),
]
