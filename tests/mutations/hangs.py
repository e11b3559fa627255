"""Mutations of what happens to a child that hangs, or is late: machine.py."""

from functools import partial

from tests.mutations.mutation import Mutation

machine = partial(Mutation, "machine.py")
termination = partial(Mutation, "termination.py")

UP_AND_NOT_DOOMED = "if child is None or child.state is not _RUNNING or child.stop_pending:"

MUTATIONS = [
    # ------------------------------------------------------------------------------------------------ it hangs
    machine(
        "a child that hangs goes on",
        "crash=event.crash,\n            )\n        )\n        self.stop(child)",
        "crash=event.crash,\n            )\n        )",
    ),
    machine(
        "a child that hangs gets no time to clean up",
        "crash=event.crash,\n            )\n        )\n        self.stop(child)",
        "crash=event.crash,\n            )\n        )\n        self.kill(child)",
    ),
    machine(
        "nobody is told that a child hangs",
        "self.emit(\n            events.ChildHung(",
        "str(\n            events.ChildHung(",
    ),
    machine(
        "what its progress raised is kept secret",
        "crash=event.crash,",
        "crash=None,",
    ),
    machine(
        "a child that hangs is stopped before its turn comes",
        UP_AND_NOT_DOOMED,
        "if child is None or child.state is not _RUNNING:",
    ),
    machine(
        "a child that is not up can hang",
        UP_AND_NOT_DOOMED,
        "if child is None or child.stop_pending:",
    ),
    machine(
        "an older incarnation that hangs stops the newest",
        "child = self.current(event.child, event.generation)\n        " + UP_AND_NOT_DOOMED,
        "child = self.children.get(event.child)\n        " + UP_AND_NOT_DOOMED,
    ),
    machine(
        "a child that hung has only been stopped",
        "child.failure = error = event.error",
        "error = event.error",
    ),
    # ------------------------------------------------------------------------------------------------ it is gone
    termination(
        "a request does not win over a child that hangs",
        "if failure is not None and not child.is_claimed:",
        "if failure is not None and (isinstance(failure, Hung) or not child.is_claimed):",
    ),
    termination(
        "a stop does not win over a child that hangs",
        "if self.phase not in (Phase.STOPPING, Phase.DONE):\n                self._hung_has_ended",
        "if self.phase is not Phase.DONE:\n                self._hung_has_ended",
    ),
    termination(
        "a child that hung is restarted by a supervisor that has ended",
        "if self.phase not in (Phase.STOPPING, Phase.DONE):\n                self._hung_has_ended",
        "if self.phase is not Phase.STOPPING:\n                self._hung_has_ended",
    ),
    termination(
        "a child that hung fails to start",
        "if not isinstance(failure, Hung):",
        "if True:",
    ),
    termination(
        "a child that hung does not say so",
        "exit = Crashed(error)\n        if self.plan is None:",
        "exit = Crashed(None)\n        if self.plan is None:",
    ),
    termination(
        "what follows a child that hung is decided while others start",
        "if self.plan is None:\n            self.ended(child, exit)",
        "if True:\n            self.ended(child, exit)",
    ),
    termination(
        "requests that waited for the end of a child that hung are forgotten",
        "Exited(child.spec.id, child.generation, exit))\n        for request in child.pop_waiting():\n"
        "            self.request(request)",
        "Exited(child.spec.id, child.generation, exit))",
    ),
    # ------------------------------------------------------------------------------------------------ it does not end
    termination(
        "a child that refuses although it was terminated is restarted when it ends after all",
        "if child.is_claimed:  # the request, and not the failure, decides what follows if it ends after all\n"
        "            child.failure = None",
        "if False:\n            child.failure = None",
    ),
    termination(
        "nobody needs the place of a child that hangs and was started by request",
        "if isinstance(child.failure, StartError):",
        "if child.failure is not None:",
    ),
    # ------------------------------------------------------------------------------------------------ it is late
    machine(
        "nobody is told that a child is late",
        "self._late(child)\n                self.kill(child)",
        "self.kill(child)",
    ),
    machine(
        "a child without time to clean up is late",
        "grace > 0:",
        "grace >= 0:",
    ),
]
