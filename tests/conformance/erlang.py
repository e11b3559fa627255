"""OTP's own supervisor, in an Erlang that is started once and plays many scenarios."""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import astuple, replace

from tests.conformance.scenario import (
    CountChildren,
    DeleteChild,
    Dynamic,
    End,
    GetChildspec,
    How,
    Node,
    Plan,
    Request,
    RestartChild,
    Scenario,
    StartChild,
    Step,
    Stray,
    Supervisor,
    TerminateChild,
    Tick,
    Wait,
    WhichChildren,
    Worker,
    nodes,
)
from tests.conformance.trace import Trace

ORACLE = Path(__file__).with_name("oracle.erl")

_REASONS = {
    How.CRASH: "crash",
    How.NORMAL: "normal",
    How.SHUTDOWN: "shutdown",
    How.DETAIL: "{shutdown,detail}",
}


def is_present() -> bool:
    """Whether this machine has Erlang."""
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


class Erlang:
    """The oracle at work. `release` says which OTP it is."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._ask = process.stdin
        self._answer = process.stdout
        self.release = msgspec.json.decode(self._read(), type=str)

    def play(self, scenario: Scenario) -> Trace:
        """Play one scenario; about half a millisecond."""
        steps = ",".join(_step(step, scenario) for step in scenario.steps)
        plans = ",".join(_step(plan, scenario) for plan in scenario.plans)
        text = f"{{{_node(scenario.tree)},[{plans}],[{steps}]}}.".encode()
        self._ask.write(struct.pack(">I", len(text)) + text)
        self._ask.flush()
        return msgspec.json.decode(self._read(), type=Trace)

    def _read(self) -> bytes:
        (length,) = struct.unpack(">I", _exactly(self._answer, 4))
        return _exactly(self._answer, length)


@contextmanager
def erlang() -> Iterator[Erlang]:
    """Compile and start the oracle; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["erlc", "-o", folder, str(ORACLE)], check=True)
        command = [
            "erl",
            "-noinput",
            "-nostick",
            "-boot",
            "start_clean",
            "+S",
            "1:1",
            "-pa",
            folder,
            "-s",
            "oracle",
            "main",
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                yield Erlang(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()  # the oracle halts when nobody asks any more


def _exactly(stream: IO[bytes], length: int) -> bytes:
    read = stream.read(length)
    if len(read) < length:
        raise EOFError("the oracle has ended; what it said is on standard error")
    return read


# ------------------------------------------------------------------------------------------------ as Erlang writes it


def _node(node: Node) -> str:
    match node:
        case Worker(id, restart, shutdown, significant, on_stop):
            return f"{{worker,{id},{restart},{shutdown},{_flag(significant)},{on_stop}}}"
        case Dynamic(id, template, intensity, period, restart, significant):
            head = f"dynamic,{id},{intensity},{period},{restart},{_flag(significant)}"
            return f"{{{head},{_node(template)}}}"
        case Supervisor(id, children, strategy, intensity, period, auto, restart, significant):
            head = f"supervisor,{id},{strategy},{intensity},{period},{auto},{restart},{_flag(significant)}"
            return f"{{{head},[{','.join(map(_node, children))}]}}"


def _step(step: Step, scenario: Scenario) -> str:
    match step:
        case Plan(worker, outcomes):
            return f"{{plan,{worker},[{','.join(outcomes)}]}}"
        case End(worker, how):
            return f"{{finish,{worker},{_REASONS[how]}}}"
        case Tick(supervisor, actions):
            return f"{{tick,{supervisor},[{','.join(_step(action, scenario) for action in actions)}]}}"
        case Wait(seconds):
            return f"{{wait,{float(seconds)}}}"
        case Stray(supervisor):
            return f"{{stray,{supervisor}}}"
        case _:
            return _request(step, scenario)


def _request(request: Request, scenario: Scenario) -> str:
    if isinstance(request, StartChild):
        return f"{{start_child,{request.supervisor},{_node(as_started(scenario, request.supervisor, request.child))}}}"
    return f"{{{','.join((_NAMES[type(request)], *astuple(request)))}}}"


_NAMES: dict[type[Request], str] = {
    TerminateChild: "terminate_child",
    RestartChild: "restart_child",
    DeleteChild: "delete_child",
    WhichChildren: "which_children",
    CountChildren: "count_children",
    GetChildspec: "get_childspec",
}


def as_started(scenario: Scenario, supervisor: str, child: Node) -> Node:
    """The child as it is started: under a dynamic supervisor it is like the template."""
    for node in nodes(scenario):
        if isinstance(node, Dynamic) and node.id == supervisor:
            return replace(node.template, id=child.id)
    return child


def _flag(value: bool) -> str:
    return "true" if value else "false"
