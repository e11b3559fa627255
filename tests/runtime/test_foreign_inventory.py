"""Every call into foreign code is known here: it stands in the guard, and has a row in the matrix.

A new one fails this test until it has both. What is looked at is the source itself: calls of the guard, parameters and
fields that hold functions, and calls of names that hold foreign ones.
"""

import ast
from pathlib import Path

import pytest

import otp
from otp.foreign.guard import Role
from tests.runtime.foreign_matrix import BEHAVIOURS, CELLS, PLACES
from tests.test_foreign_program import PROGRAM, TREE

ROOT = Path(otp.__file__).parent
GUARDS = ("call", "attempt")
THE_GUARD_ITSELF = ("foreign/guard.py", "runtime/attempt.py")

GUARDED = {
    ("core/classify.py", "_has"): (Role.ATTRIBUTE, "attribute"),
    ("core/classify.py", "_says_yes"): (Role.WHERE, "where"),
    ("runtime/watchdogs.py", "_progress"): (Role.PROGRESS, "progress"),
    ("runtime/dependencies.py", "_probe"): (Role.PROBE, "probe"),
    ("runtime/reporter.py", "deliver"): (Role.HOOK, "hook"),
    ("runtime/reporter.py", "__init__"): (Role.HOOK, "lasting_hook"),
    ("runtime/reporter.py", "_tell_failure"): (Role.LOG, "test_without_a_log_a_hook_that_fails_is_a_line_all_the_same"),
    ("runtime/handle.py", "_call_now"): (Role.SOON, "soon"),
    ("observe/logger.py", "log"): (Role.LOG, "log_sink"),
    ("observe/incidents.py", "_notify"): (Role.LISTENER, "incident_listener"),
    ("observe/incidents.py", "_listener_failed"): (Role.LISTENER, "incident_listener"),
    ("observe/alerts.py", "_post"): (Role.SINK, "alert_sender"),
    ("observe/outbox.py", "_try"): (Role.SINK, "sink"),
    ("application/loop_watch.py", "_notify"): (
        Role.LISTENER,
        "test_a_listener_that_raises_is_detached_and_the_others_are_told",
    ),
    ("application/program.py", "_live"): (Role.OPENED, "opened"),
    ("application/program.py", "_run_beside"): (Role.BESIDE, "beside"),
    ("loading.py", "_import"): (Role.TREE, "tree()"),
    ("loading.py", "_call"): (Role.TREE, "tree()"),
}
"""Each function of ours that calls foreign code: what for, and the row of the matrix, or the test, that shows it."""

FOREIGN = {
    "hook": Role.HOOK,
    "hooks": Role.HOOK,
    "all_hooks": Role.HOOK,
    "where": Role.WHERE,
    "progress": Role.PROGRESS,
    "probe": Role.PROBE,
    "opened": Role.OPENED,
    "beside": Role.BESIDE,
    "run_beside": Role.BESIDE,
    "listener": Role.LISTENER,
    "listeners": Role.LISTENER,
    "post": Role.SINK,
    "posts": Role.SINK,
    "send": Role.SINK,
    "callback": Role.SOON,
    "function": None,  # whatever is guarded, or built
    "run": None,  # a worker: what it raises is how it ends, in otp.runtime.child; or a service of ours
}
"""Names of parameters and fields that hold what the program hands over."""

OURS = {
    *("now", "wall", "dice", "sleep", "interrupt", "starting", "over", "_over", "new_scope", "stop", "soon", "noted"),
    *("around", "change", "ending", "readiness", "task", "tasks", "_HANDLERS", "_EXECUTE", "_NOTES"),
    *("lag", "request", "scheduled", "on_open"),
    *("call", "what", "program"),  # of the watchman, whose program's failures go upwards with their exit code
    *("write", "form"),  # of an outlet: what they do in its own thread is its business
}
"""Names of those that hold functions of ours, or clocks that only tests replace."""

NOT_LOOKED_AT = ("testing", "cli", "tui", "control")
"""Nobody hands them functions: the first is called by tests, the others by us."""

LOGURU = ("observe/logger.py", "observe/log.py", "observe/log_ring.py", "observe/stderr.py", "observe/stdlib.py")
"""Who may know loguru: the guard around it, and those that add and remove sinks or fill them."""


def sources():
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def called(node):
    """The name that is called: `hook` in `hook(event)` and in `self.hook(event)`."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def guarded_calls():
    for name, module in sources():
        if name in THE_GUARD_ITSELF:
            continue
        for function in ast.walk(module):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and called(node) in GUARDS
                    and ast.unparse(node.args[0]).startswith("Role.")
                ):
                    yield (name, function.name), Role[ast.unparse(node.args[0]).removeprefix("Role.")]


def test_every_guarded_call_is_known_with_what_it_is_for():
    found = set(guarded_calls())
    assert found == {(place, role) for place, (role, _) in GUARDED.items()}


def test_every_guarded_call_has_a_row_in_the_matrix_or_a_test():
    rows = {place.__name__ for place in PLACES} | {"opened", "beside", "tree()"}
    tests = "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    for row in {row for _, row in GUARDED.values()}:
        assert row in rows or f"def {row}(" in tests, row


def test_every_role_is_called_somewhere_and_has_rows():
    assert {role for role, _ in GUARDED.values()} == set(Role)


def test_every_place_meets_every_behaviour():
    assert len(CELLS) == len(PLACES) * len(BEHAVIOURS)
    assert len(PROGRAM) == 2 * len(BEHAVIOURS)
    assert len(TREE) == len(BEHAVIOURS) - 2


def test_the_page_on_conformance_has_the_counts():
    page = (ROOT.parent / "docs" / "conformance.md").read_text()
    assert f"| {len(PLACES)} | {len(BEHAVIOURS)} | {3 * len(CELLS)} |" in page
    assert f"| 2 | {len(BEHAVIOURS)} | {3 * len(PROGRAM)} |" in page
    assert f"the {len(GUARDED)} functions of ours" in page


def holders():
    """Parameters and fields that hold functions: where, and by which name."""
    for name, module in sources():
        if name.split("/")[0] in NOT_LOOKED_AT:
            continue
        for node in ast.walk(module):
            match node:
                case ast.arg(arg=arg, annotation=ast.expr() as annotation):
                    held = arg
                case ast.AnnAssign(target=ast.Name(id=held), annotation=annotation) if name != "foreign/guard.py":
                    pass
                case _:
                    continue
            text = ast.unparse(annotation)
            if any(kind in text for kind in ("Callable", "EventHook", "Listener", "Beside")):
                yield name, held, node.lineno


def test_every_function_that_is_handed_over_is_known_as_foreign_or_as_ours():
    unknown = [where for where in holders() if where[1] not in FOREIGN and where[1] not in OURS and where[1].islower()]
    assert unknown == []


def unguarded(module):
    """Calls of names that hold foreign functions, unless the module itself defines or imports what it calls so."""
    defined = {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    imported = {alias.name for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for alias in node.names}
    held = {*FOREIGN, "post"} - {"run", "function", "callback"}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node).lstrip("_") in held and called(node) not in defined | imported:
            yield node.lineno, ast.unparse(node)


def test_no_foreign_function_is_called_without_the_guard():
    naked = [
        (name, *call)
        for name, module in sources()
        if name not in THE_GUARD_ITSELF and name.split("/")[0] not in NOT_LOOKED_AT
        for call in unguarded(module)
    ]
    assert naked == []


@pytest.mark.parametrize(
    "call", ["self._watchdog.progress()", "hook(event)", "await self._send(item)", "rule.where(failure)"]
)
def test_the_check_notices_a_call_without_the_guard(call):
    assert list(unguarded(ast.parse(call)))


@pytest.mark.parametrize("name", [name for name, module in sources() if "loguru" in ast.unparse(module)])
def test_only_few_know_the_log_without_its_guard(name):
    module = ast.parse((ROOT / name).read_text())
    imports = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom) and node.module == "loguru"]
    assert not imports or name in LOGURU
