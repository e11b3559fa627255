"""A server in hostile hands, or children with hostile names and words: no command lets any of it reach the terminal."""

import json
import re

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from otp.cli import command, completion
from otp.cli.output import Output
from otp.cli.queries import describe, events, explain, health, incidents, ps, stack, tree, why
from otp.control.wire.commands import (
    Drain,
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    InjectFault,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
    Watch,
)
from otp.control.wire.protocol import Acted, Draining, Events, Greeting, Incidents, Resolved, Stacks
from otp.control.wire.rows import Delta, Explained, Health, Snapshot, Why
from tests.hostile import HOSTILE, dangerous, hostile

TREE = hostile(Snapshot)
EXPLAINED = hostile(Explained)
EXPLAINED = replace(EXPLAINED, text=EXPLAINED.text.replace("\n", ""))  # it has lines of its own
ANSWERS = {
    GetSnapshot: TREE,
    GetHealth: hostile(Health),
    GetEvents: hostile(Events),
    GetIncidents: hostile(Incidents),
    Explain: EXPLAINED,
    GetWhy: hostile(Why),
    GetStack: hostile(Stacks),
    ResolveIncident: hostile(Resolved),
    Drain: hostile(Draining),
    Watch: [TREE, hostile(Delta)],
}
ACTS = (Restart, Stop, Start, Reset, Pause, Resume, InjectFault)
DONE = hostile(Acted)
WELL = replace(DONE, changes=tuple(replace(change, error="") for change in DONE.changes))

LOOKS = [
    "ps",
    "ps -w",
    "tree",
    "tree -w",
    "describe x",
    "events",
    "events -f",
    "incidents",
    "incidents -w",
    "incidents resolve x",
    "explain x",
    "why x",
    "stack x",
    "health",
    "health -w",
    "wait x --timeout 5s",
    "wait massive --for down --timeout 5s",
    "drain",
    "drain --dry-run",
]
CALLS = [*LOOKS, *(f"{verb} x" for verb in ("restart", "stop", "start", "reset", "pause", "resume", "fault crash"))]
FORMS = ["table", "wide", "json", "jsonl", "name"]


@pytest.fixture(params=["done", "failed", "a failure"])
def answers(request):
    if request.param == "a failure":
        return dict.fromkeys((*ANSWERS, *ACTS), ("error", f"{HOSTILE}\n{HOSTILE}"))
    return {**ANSWERS, **dict.fromkeys(ACTS, WELL if request.param == "done" else DONE)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", CALLS)
def test_nothing_hostile_reaches_the_terminal(otp_of, answers, call, form):
    if form == "json" and call == "events -f":
        pytest.skip("it has no end, so it is no document")
    otp = otp_of(answers)
    otp.server._greeting = replace(hostile(Greeting), protocol=otp.server._greeting.protocol)
    said = otp(*call.split(), "-o", form)
    assert said.output
    assert not dangerous(said.output), said.output
    if form == "jsonl":
        assert all(map(json.loads, said.stdout.splitlines()))
    if form == "json" and "-w" not in call.split() and said.stdout:
        json.loads(said.stdout)


def test_a_greeting_of_another_protocol_is_refused_in_printable_words(otp_of):
    otp = otp_of(ANSWERS)
    otp.server._greeting = replace(hostile(Greeting), protocol=99)
    said = otp("ps")
    assert "control protocol has version 99" in said.output
    assert not dangerous(said.output)


@pytest.mark.parametrize("role", ["table", "wide"])
def test_colours_add_nothing_but_colours(role):
    output = Output(role, colour=True, within=60)
    shown = [
        tree.shown(TREE),
        ps.shown(TREE),
        describe.shown(ANSWERS[GetWhy], TREE),
        events.shown("massive", ANSWERS[GetEvents].events),
        incidents.shown("massive", ANSWERS[GetIncidents].incidents, 9.0),
        explain.shown(EXPLAINED),
        why.shown("massive", ANSWERS[GetWhy]),
        stack.shown("massive", ANSWERS[GetStack].stacks),
        health.shown(ANSWERS[GetHealth]),
    ]
    for one in shown:
        assert not dangerous(re.sub(r"\x1b\[[0-9;]*m", "", output.rendered(one)))


def test_json_means_what_it_meant():
    document = json.loads(Output("json").rendered(tree.shown(TREE)))
    assert document["children"][0]["last_cause"] == HOSTILE


def test_a_shell_completes_no_hostile_names(otp_of):
    snapshot = replace(TREE, children=(*TREE.children, replace(TREE.root, path="massive/a")))
    otp = otp_of({GetSnapshot: snapshot, GetIncidents: ANSWERS[GetIncidents]})
    context = command.make_context("otp", ["ps", "-S", str(otp.server.path)])
    context.params = {"socket": str(otp.server.path)}
    assert completion.complete_path(context, None, "massive") == ["massive", "massive/a"]
    assert completion.complete_incident(context, None, "") == []


EVIL = f"""
from otp import SpecError, supervisor, worker
def raises(): raise ValueError({HOSTILE!r} + " api_key=canary")
def spec(): raise SpecError({HOSTILE!r} + " api_key=canary")
def kind(): return type({HOSTILE!r}, (), {{}})()
def config(c: int): ...
async def f(): ...
def broken(): return supervisor({HOSTILE!r}, children=[])
class Odd(Exception): pass
Odd.__qualname__ = Odd.__name__ = {HOSTILE!r}
def named(): raise Odd("auth=('bob', 'canary')")
globals()["raised" + {HOSTILE!r}] = 1
"""


@pytest.mark.parametrize("verb", ["check", "tree", "run", "explain"])
@pytest.mark.parametrize("name", ["raises", "spec", "kind", "config", "broken", "named", "raised", "nothing"])
@pytest.mark.parametrize("traceback", [False, True])
def test_whatever_a_tree_raises_is_said_in_printable_words_without_secrets(
    tmp_path, monkeypatch, verb, name, traceback
):
    (tmp_path / "evil.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "evil", raising=False)
    config = tmp_path / f"{HOSTILE[:3]}.json"
    config.write_text(json.dumps({"token": "canary", HOSTILE: 1}))
    arguments = ["--config", str(config)] if name == "config" else []
    call = ["explain", "x", "--target", f"evil:{name}"] if verb == "explain" else [verb, f"evil:{name}"]
    if traceback and verb != "explain":
        arguments.append("--traceback")
    said = CliRunner().invoke(command, [*call, *arguments], prog_name="otp")
    assert said.exit_code == 2
    wrong = dangerous(said.output)
    assert not {one for one in wrong if not (traceback and one.startswith("injected"))}, (
        said.output
    )  # its lines are shown
    assert "canary" not in said.output


def test_each_command_that_speaks_to_a_process_is_walked():
    spoken = {name for name in command.list_commands(None) if _asks(command.get_command(None, name))}
    assert spoken == {call.split()[0] for call in CALLS} | {"top"}


def _asks(found):
    groups = getattr(found, "commands", {})
    return any(parameter.name == "socket" for parameter in found.params) or any(map(_asks, groups.values()))
