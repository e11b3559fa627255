"""Reloading: who is restarted when code is edited, with what, and what happens when the new code is wrong."""

import functools
import re
import sys

import anyio
import anyio.to_thread
import pytest

import otp
import otp.loading
from otp import NoProc, supervisor
from otp.application.entry import serve
from otp.application.reload import Reloader, modules_of
from otp.events import ChildRestarting, ChildStarted
from otp.faults import Faults
from tests.application.project import opened, tree, values, worker


@pytest.fixture
def project(tmp_path, monkeypatch):
    yield from opened(tmp_path, monkeypatch)


async def test_only_the_worker_whose_module_was_edited_is_restarted_and_it_runs_the_new_code(project):
    project.write(a=worker("'one'"), b=worker("'b'"), shop=tree("a", "b", options="intensity=0"))
    async with project.open() as (root, reloader):
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert values(root) == {"a": ("two", 2), "b": ("b", 1)}
        assert (root.child("a").manual, root.child("a").crashes) == (1, 0)
        assert project.take_log() == ["INFO shop  loaded anew: a, shop"]


async def test_a_look_at_what_has_not_changed_does_nothing(project):
    project.write(a=worker("'one'"), shop=tree("a"))
    async with project.open() as (root, reloader):
        await reloader.look(root)
        project.write(a=worker("'two'"))
        await reloader.look(root)
        await reloader.look(root)
        assert values(root) == {"a": ("two", 2)}
        assert len(project.take_log()) == 1


async def test_a_worker_whose_module_takes_a_number_from_an_edited_one_is_restarted(project):
    project.write(limits="LIMIT = 1\n", middle="from limits import LIMIT as MIDDLE\n")
    project.write(a=worker("MIDDLE", "from middle import MIDDLE"), b=worker("'b'"), shop=tree("a", "b"))
    async with project.open() as (root, reloader):
        project.write(limits="LIMIT = 2\n")
        await reloader.look(root)
        assert values(root) == {"a": (2, 2), "b": ("b", 1)}
        assert project.take_log() == ["INFO shop  loaded anew: limits, middle, a, shop"]


async def test_the_edited_are_restarted_in_the_order_of_the_tree(project):
    below = "supervisor('below', children=[worker('c', c.run, ready=True)])"
    project.write(**{name: worker("'one'") for name in "abcd"})
    project.write(shop=tree("d", below, "a", "b", imports="import c"))
    async with project.open() as (root, reloader):
        project.write(**{name: worker("'two'") for name in "abc"})
        await reloader.look(root)
        assert values(root) == {"d": ("one", 1), "below/c": ("two", 2), "a": ("two", 2), "b": ("two", 2)}
        await project.events.wait_for(ChildRestarting, count=3)
        assert [e.path for e in project.events.of(ChildRestarting)] == ["shop/below/c", "shop/a", "shop/b"]
        assert root.child("below").generation == 1


async def test_where_a_strategy_takes_siblings_along_all_come_up_once_and_with_their_new_code(project):
    project.write(a=worker("'one'"), b=worker("'one'"), c=worker("'one'"))
    project.write(shop=tree("a", "b", "c", options="strategy=Strategy.REST_FOR_ONE"))
    async with project.open() as (root, reloader):
        project.write(b=worker("'two'"), c=worker("'two'"))
        await reloader.look(root)
        assert values(root) == {"a": ("one", 1), "b": ("two", 2), "c": ("two", 2)}


OLD = """
import anyio

VALUE = 'one'

def told():
    return VALUE

async def run(*, task_status):
    task_status.started(told())
    await anyio.sleep_forever()
"""
BROKEN = {
    "syntax": ("def run(:\n", r"SyntaxError: .* at .*/a\.py:1"),
    "import": ("VALUE = 'wrong'\nimport no_such_thing\n", r"No module named 'no_such_thing' at .*/a\.py:2"),
    "raise": ("VALUE = 'wrong'\n\ndef f():\n    raise KeyError('k')\n\nf()\n", r"KeyError: 'k' at .*/a\.py:4"),
    "exit": ("VALUE = 'wrong'\nimport sys\nsys.exit(3)\n", r"SystemExit: 3 at .*/a\.py:3"),
    "no worker": ("VALUE = 'wrong'\n", r"LoadError: .* module 'a' has no attribute 'run' at .*/shop\.py:\d+"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_code_that_cannot_be_loaded_is_told_with_its_place_and_the_old_code_goes_on(project, kind):
    source, message = BROKEN[kind]
    project.write(a=OLD, b=worker("'b'"), shop=tree("a", "b"))
    async with project.open() as (root, reloader):
        project.write(a=source)
        await reloader.look(root)
        (said,) = project.take_log()
        assert re.fullmatch(f"ERROR shop  not reloaded, the old code goes on: .*{message}", said)
        assert values(root) == {"a": ("one", 1), "b": ("b", 1)}
        await root.restart("a")
        assert values(root)["a"] == ("one", 2)
        await reloader.look(root)
        assert project.take_log() == []  # it is tried again with the next save
        project.write(a=OLD.replace("one", "two"))
        await reloader.look(root)
        assert values(root) == {"a": ("two", 3), "b": ("b", 1)}


async def test_a_tree_that_is_wrong_is_told_and_what_was_loaded_for_it_is_forgotten(project):
    project.write(a=OLD, shop=tree("a"))
    async with project.open() as (root, reloader):
        project.write(a=OLD.replace("one", "two"), shop=tree("a", "a"))
        await reloader.look(root)
        (said,) = project.take_log()
        assert "shop:tree is no tree that can run: two children of supervisor 'shop' have the id 'a'" in said
        await root.restart("a")
        assert values(root) == {"a": ("one", 2)}
        project.write(shop=tree("a"))
        await reloader.look(root)
        assert values(root) == {"a": ("two", 3)}  # what was saved before is taken in too


async def test_a_new_module_is_found_and_after_a_failure_found_again(project):
    project.write(a=worker("'one'"), shop=tree("a"))
    async with project.open() as (root, reloader):
        project.write(extra="VALUE = 2\n", a="from extra import VALUE\nboom\n")
        await reloader.look(root)
        assert "NameError: name 'boom'" in project.take_log()[0]
        project.write(extra="VALUE = 3\n", a=worker("VALUE", "from extra import VALUE"))
        await reloader.look(root)
        assert values(root) == {"a": (3, 2)}
        project.write(extra="VALUE = 4\n")
        await reloader.look(root)
        assert values(root) == {"a": (4, 3)}


async def test_a_module_that_a_worker_imports_late_is_watched_from_then_on(project):
    late = "\n\nasync def run(*, task_status):\n    from extra import VALUE\n    task_status.started(VALUE)\n    await anyio.sleep_forever()\n"
    project.write(extra="VALUE = 1\n", a="import anyio" + late, shop=tree("a"))
    async with project.open() as (root, reloader):
        await reloader.look(root)
        assert (values(root), project.take_log()) == ({"a": (1, 1)}, [])
        project.write(extra="VALUE = 2\n")
        await reloader.look(root)
        assert values(root) == {"a": (2, 2)}


async def test_a_file_that_is_gone_changes_nothing_until_it_is_there_again(project):
    project.write(a=worker("'one'"), b=worker("'b'"), shop=tree("a", "b"))
    async with project.open() as (root, reloader):
        (project.folder / "a.py").unlink()
        project.write(b=worker("'c'"))
        await reloader.look(root)
        assert values(root)["a"] == ("one", 1)
        project.take_log()
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert values(root)["a"] == ("two", 2)


async def test_two_saves_within_a_second_are_both_seen_although_bytecode_is_kept(project, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project.write(a=worker("'one'"), shop=tree("a"))
    async with project.open() as (root, reloader):
        assert list(project.folder.glob("__pycache__/a.*.pyc"))
        project.write(a=worker("'two'"))
        await reloader.look(root)
        project.write(a=worker("'six'"))
        await reloader.look(root)
        assert values(root) == {"a": ("six", 3)}


# ------------------------------------------------------------------------------------------------ the tree itself


async def test_a_tree_of_another_shape_is_told_once_and_what_is_still_there_is_restarted(project):
    project.write(a=worker("'one'"), b=worker("'b'"), c=worker("'c'"), shop=tree("a", "b"))
    async with project.open() as (root, reloader):
        project.write(a=worker("'two'"), shop=tree("c", "a", options="intensity=9"))
        await reloader.look(root)
        assert values(root) == {"a": ("two", 2), "b": ("b", 1)}
        changed = "shop has intensity=9; shop/b is gone; shop/c is new"
        assert project.take_log() == [
            "INFO shop  loaded anew: a, shop",
            f"WARNING shop  the tree itself changed: {changed}; restart otp run to see it",
        ]
        project.write(a=worker("'three'"))
        await reloader.look(root)
        assert values(root) == {"a": ("three", 3), "b": ("b", 1)}
        assert project.take_log() == ["INFO shop  loaded anew: a, shop"]


async def test_options_are_taken_along_by_those_that_are_restarted_and_by_no_others(project):
    specs = "worker('{0}', {0}.run, ready=True, shutdown={1})"
    both = [specs.format(name, "1.0") for name in "ab"]
    project.write(a=worker("'one'"), b=worker("'b'"), shop=tree(*both, imports="import a, b"))
    async with project.open() as (root, reloader):
        both = [specs.format(name, "2.0") for name in "ab"]
        project.write(a=worker("'two'"), shop=tree(*both, imports="import a, b"))
        await reloader.look(root)
        assert (root.get_childspec("a").shutdown, root.get_childspec("b").shutdown) == (2.0, 1.0)
        assert "shop/b has shutdown=2.0; restart otp run" in project.take_log()[-1]


async def test_the_config_is_read_again(project):
    project.write(
        shop=(
            "import a\nfrom msgspec import Struct\nfrom otp import SupervisorSpec, supervisor, worker\n"
            "class Config(Struct):\n    name: str\n"
            "def tree(config: Config) -> SupervisorSpec:\n"
            "    return supervisor('shop', children=[worker('a', a.run, config.name, ready=True)])\n"
        ),
        a=worker("name").replace("run(*", "run(name, *"),
    )
    config = project.folder / "config.json"
    config.write_text('{"name": "one"}')
    async with project.open(config=config) as (root, reloader):
        config.write_text('{"name": "two"}')
        project.write(a=worker("name + '!'").replace("run(*", "run(name, *"))
        await reloader.look(root)
        assert values(root) == {"a": ("two!", 2)}


# ------------------------------------------------------------------------------------------------ who is not restarted


async def test_a_worker_that_was_stopped_stays_down_and_starts_with_its_new_code(project):
    project.write(a=worker("'one'"), shop=tree("a"))
    async with project.open() as (root, reloader):
        await root.terminate_child("a")
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert root.child("a").state == "stopped"
        assert await root.restart_child("a") == "two"


async def test_a_worker_that_is_down_for_maintenance_stays_down_until_that_is_over(project):
    project.write(a=worker("'one'").replace("sleep_forever()", "sleep(0.001)"), shop=tree("a"))
    async with project.open() as (root, reloader):
        await root.pause("a")
        while root.child("a").state != "paused":
            await anyio.sleep(0.001)
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert root.child("a").state == "paused"
        await root.resume("a")
        await project.events.wait_for(ChildStarted, "shop/a", count=2)
        assert values(root)["a"] == ("two", 2)


async def test_a_worker_that_has_done_its_work_stays_down(project):
    spec = "worker('a', a.run, restart=Restart.TRANSIENT)"
    project.write(a="async def run():\n    pass\n", shop=tree(spec, imports="import a"))
    async with project.open() as (root, reloader):
        while root.child("a").state != "done":
            await anyio.sleep(0)
        project.write(a="async def run():\n    return 2\n")
        await reloader.look(root)
        assert (root.child("a").state, root.child("a").generation) == ("done", 1)


async def test_a_worker_that_waits_for_its_next_try_is_restarted(project):
    spec = "worker('a', a.run, ready=True, policy=FailurePolicy(on(ZeroDivisionError, RestartAfter(Backoff(10.0)))))"
    imports = "import a\nfrom otp.policy import Backoff, FailurePolicy, RestartAfter, on"
    project.write(a=worker("1 / 0"), shop=tree(spec, imports=imports))
    spec, reloader, seen = otp.loading.load("shop:tree"), Reloader("shop:tree"), []

    async def edit(root):
        while root.child("a").state != "backoff":
            await anyio.sleep(0)
        project.write(a=worker("'fixed'"))
        await reloader.look(root)
        seen.append(values(root))
        root.stop()

    assert await serve(spec, beside=[edit]) == 0
    assert seen == [{"a": ("fixed", 2)}]


async def test_the_workers_of_a_supervisor_that_is_down_start_with_their_new_code(project):
    deep = "supervisor('mid', children=[supervisor('low', children=[worker('a', a.run, ready=True)])])"
    project.write(a=worker("'one'"), shop=tree(deep, imports="import a"))
    async with project.open() as (root, reloader):
        await root.terminate_child("mid")
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert root.child("mid").state == "stopped"
        await root.restart_child("mid")
        assert values(root) == {"mid/low/a": ("two", 2)}


async def test_a_temporary_worker_goes_on_and_that_is_told(project):
    spec = "worker('a', a.run, ready=True, restart=Restart.TEMPORARY)"
    project.write(a=worker("'one'"), shop=tree(f"supervisor('below', children=[{spec}])", imports="import a"))
    async with project.open() as (root, reloader):
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert values(root) == {"below/a": ("one", 1)}
        assert "INFO shop/below/a  is temporary and goes on with the old code" in project.take_log()
        await root.restart("below")
        assert values(root) == {"below/a": ("two", 1)}  # a temporary child is forgotten with its end


async def test_a_worker_that_was_added_later_goes_on_and_that_is_told(project):
    project.write(a=worker("'one'"), shop=tree("dynamic_supervisor('pool')", imports="import a"))
    async with project.open() as (root, reloader):
        run = sys.modules["a"].run
        await root.start_child(otp.worker("x", run, ready=True), under="pool")
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert values(root) == {"pool/x": ("one", 1)}
        assert project.take_log()[1:] == ["WARNING shop/pool/x  was added later and goes on with the old code"]


async def test_a_worker_that_was_deleted_does_not_come_back(project):
    project.write(a=worker("'one'"), b=worker("'b'"), shop=tree("a", "b"))
    async with project.open() as (root, reloader):
        await root.terminate_child("a")
        await root.delete_child("a")
        project.write(a=worker("'two'"), b=worker("'c'"))
        await reloader.look(root)
        assert values(root) == {"b": ("c", 2)}


async def test_new_code_that_does_not_start_is_told_and_the_others_get_theirs_and_the_next_is_tried(project):
    project.write(a=worker("'one'"), b=worker("'one'"), shop=tree("a", "b", options="intensity=0"))
    async with project.open() as (root, reloader):
        failing = "async def run(*, task_status):\n    raise OSError('not yet')\n"
        project.write(a=failing, b=worker("'two'"))
        await reloader.look(root)
        assert values(root)["b"] == ("two", 2)
        assert root.child("a").state == "failed"
        assert any("WARNING shop/a  StartError" in said for said in project.take_log())
        project.write(a=worker("'three'"))
        await reloader.look(root)
        assert values(root)["a"] == ("three", 3)


async def test_a_worker_that_needs_what_the_running_tree_has_not_goes_on_and_that_is_told(project):
    project.write(a=worker("'one'"), shop=tree("a"))
    spec = "worker('a', a.run, ready=True, needs=['redis'])"
    new = "dependencies=[dependency('redis', anyio.sleep, 0)]"
    async with project.open() as (root, reloader):
        imports = "import a, anyio\nfrom otp import dependency"
        project.write(a=worker("'two'"), shop=tree(spec, imports=imports, options=new))
        await reloader.look(root)
        assert values(root) == {"a": ("one", 1)}
        assert "WARNING shop/a  goes on with the old code: worker 'a' needs 'redis'" in project.take_log()[1]


async def test_a_tree_that_has_ended_cannot_take_anything_in(project):
    project.write(a=worker("'one'"), shop=tree("a"))
    async with project.open() as (root, reloader):
        pass
    project.write(a=worker("'two'"))
    with pytest.raises(NoProc):
        await reloader.look(root)


async def test_faults_stay_around_the_workers_of_the_new_code(project):
    faults = Faults()
    project.write(a=worker("'one'"), shop=tree("a", options="intensity=9"))
    async with project.open(faults=faults) as (root, reloader):
        project.write(a=worker("'two'"))
        await reloader.look(root)
        assert values(root) == {"a": ("two", 2)}
        faults.inject("shop/a", "crash")
        await project.events.wait_for(ChildStarted, "shop/a", count=3)
        assert values(root) == {"a": ("two", 3)}


# ------------------------------------------------------------------------------------------------ whose code it is


class Service:
    async def run(self):
        """A method."""

    async def __call__(self):
        """Itself a function."""

    @classmethod
    async def main(cls):
        """Of the class."""


def kept(function):
    @functools.wraps(function)
    async def wrapper(*args):
        return await function(*args)

    return wrapper


class Elsewhere(Service):
    __module__ = "elsewhere"


async def handle():
    """What a worker is given."""


HERE = __name__


@pytest.mark.parametrize(
    ("spec", "modules"),
    [
        (otp.worker("w", handle), {HERE}),
        (otp.worker("w", functools.partial(functools.partial(handle))), {HERE}),
        (otp.worker("w", kept(functools.partial(handle))), {HERE}),
        (otp.worker("w", Service().run), {HERE}),
        (otp.worker("w", Elsewhere().run), {HERE, "elsewhere"}),
        (otp.worker("w", Elsewhere.main), {HERE, "elsewhere"}),
        (otp.worker("w", Service()), {HERE}),
        (otp.worker("w", functools.partial(Elsewhere().run)), {HERE, "elsewhere"}),
        (otp.worker("w", anyio.sleep, 1.0), {"anyio"}),
        (otp.worker("w", anyio.to_thread.run_sync, handle), {"anyio.to_thread", HERE}),
        (supervisor("s"), set()),
    ],
)
def test_the_code_of_a_worker_is_found_through_whatever_stands_around_it(spec, modules):
    assert modules_of(spec) == modules


def test_faults_around_a_worker_do_not_hide_whose_code_it_is():
    spec = supervisor("root", children=[otp.worker("w", functools.partial(handle))])
    (wrapped,) = Faults().around(spec).children
    assert modules_of(wrapped) == {HERE}
