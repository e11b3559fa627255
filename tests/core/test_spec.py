"""A spec that cannot be run is refused where it is built, and the message says what to write (S2, S4-S7)."""

import math
from dataclasses import FrozenInstanceError, replace

import pytest

from otp.errors import OTPError, SpecError
from otp.spec import (
    DEFAULT_INTENSITY,
    DEFAULT_PERIOD,
    DEFAULT_SHUTDOWN,
    AutoShutdown,
    ChildSpec,
    Restart,
    Strategy,
    SupervisorSpec,
    dynamic_supervisor,
    supervisor,
    worker,
)
from otp.watchdog import Watchdog


async def run(*args, task_status=None):
    """Never called."""


def refusal(build):
    with pytest.raises(SpecError) as refused:
        build()
    return str(refused.value)


def test_the_defaults_are_otps_but_for_elixirs_intensity():
    w, s = worker("w", run), supervisor("s")
    assert (w.restart, w.shutdown, w.significant, w.ready, w.start_timeout) == (
        Restart.PERMANENT,
        DEFAULT_SHUTDOWN,
        False,
        False,
        None,
    )
    assert (s.strategy, s.intensity, s.period) == (Strategy.ONE_FOR_ONE, DEFAULT_INTENSITY, DEFAULT_PERIOD)
    assert (DEFAULT_INTENSITY, DEFAULT_PERIOD, DEFAULT_SHUTDOWN) == (3, 5.0, 5.0)
    assert (s.auto_shutdown, s.shutdown, s.children) == (AutoShutdown.NEVER, math.inf, ())


def test_a_spec_error_is_a_value_error_and_one_of_ours():
    assert issubclass(SpecError, ValueError)
    assert issubclass(SpecError, OTPError)


@pytest.mark.parametrize("id", ["", None, 7, b"a"])
def test_an_id_is_a_name(id):
    assert refusal(lambda: worker(id, run)) == f"id: expected a name, got {id!r}"
    assert refusal(lambda: supervisor(id)) == f"id: expected a name, got {id!r}"


@pytest.mark.parametrize("id", ["a/b", "a*", "a?", "[a]", "a b", "a\n", "a\x00"])
def test_an_id_leaves_out_what_paths_use(id):
    assert repr(id) in refusal(lambda: worker(id, run))


@pytest.mark.parametrize("field", ["restart", "strategy", "auto_shutdown"])
def test_a_choice_is_a_member_of_its_enum(field):
    message = refusal(lambda: SupervisorSpec(id="s", **{field: "sometimes"}))
    assert message.startswith(f"{field} of 's': expected one of ")
    assert message.endswith("got 'sometimes'")


@pytest.mark.parametrize("shutdown", [-1, "5", math.nan, None, True, "brutal", [1]])
def test_shutdown_is_seconds_or_brutal_kill(shutdown):
    message = refusal(lambda: worker("w", run, shutdown=shutdown))
    assert message == f"shutdown of 'w': expected seconds (0 or more), math.inf or 'brutal_kill', got {shutdown!r}"


@pytest.mark.parametrize("shutdown", [0, 0.5, 3, math.inf, "brutal_kill"])
def test_each_kind_of_shutdown_stands_for_workers_and_supervisors(shutdown):
    assert worker("w", run, shutdown=shutdown).shutdown == shutdown
    assert supervisor("s", shutdown=shutdown).shutdown == shutdown


@pytest.mark.parametrize("intensity", [-1, 1.0, "3", None, True])
def test_intensity_is_a_whole_number(intensity):
    message = refusal(lambda: supervisor("s", intensity=intensity))
    assert message == f"intensity of 's': expected a whole number of restarts, 0 or more, got {intensity!r}"


@pytest.mark.parametrize("period", [0, -1, math.inf, math.nan, "5", None, True])
def test_a_period_is_finite_seconds(period):
    message = refusal(lambda: supervisor("s", period=period))
    assert message == f"period of 's': expected finite seconds above 0, got {period!r}"


@pytest.mark.parametrize("limit", [0, -1, 1.5, "2", True])
def test_max_children_is_a_number(limit):
    message = refusal(lambda: dynamic_supervisor("s", max_children=limit))
    assert message == f"max_children of 's': expected a number above 0 or None, got {limit!r}"


def test_a_significant_child_needs_an_auto_shutdown_s6():
    child = worker("w", run, significant=True, restart=Restart.TRANSIENT)
    message = refusal(lambda: supervisor("s", children=[child]))
    assert message.startswith("child 'w' is significant=True, but its supervisor 's' has auto_shutdown=never")
    assert "AutoShutdown.ANY_SIGNIFICANT" in message
    assert supervisor("s", children=[child], auto_shutdown=AutoShutdown.ALL_SIGNIFICANT).children == (child,)


def test_a_significant_child_is_not_permanent_s6():
    message = refusal(lambda: worker("w", run, significant=True))
    assert "make it Restart.TRANSIENT or Restart.TEMPORARY" in message
    assert refusal(lambda: supervisor("s", significant=True)).startswith("child 's' is significant=True and")


def test_significant_is_a_boolean_s6():
    message = refusal(lambda: worker("w", run, significant="yes", restart=Restart.TRANSIENT))
    assert message == "significant of 'w': expected True or False, got 'yes'"


def test_ready_is_a_boolean():
    assert refusal(lambda: ChildSpec(id="w", run=run, ready="yes")) == "ready of 'w': expected True or False, got 'yes'"


def test_a_coroutine_in_the_place_of_its_function_is_refused():
    coroutine = run()
    message = refusal(lambda: worker("w", coroutine))
    coroutine.close()
    assert "expects a coroutine function and its arguments, got <coroutine object run" in message
    assert "write worker('w', run, arg, …)" in message


def test_a_start_timeout_needs_something_to_wait_for():
    assert "add ready=True" in refusal(lambda: worker("w", run, start_timeout=1.0))


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, "5", True])
def test_a_start_timeout_is_seconds(seconds):
    message = refusal(lambda: worker("w", run, ready=True, start_timeout=seconds))
    assert message == f"start_timeout of worker 'w': expected seconds above 0, got {seconds!r}"


def test_a_watchdog_is_seconds_or_more_than_that():
    progress = [].__len__
    assert worker("w", run, watchdog=30).watchdog == Watchdog(within=30)
    assert worker("w", run, watchdog=Watchdog(within=5.0, progress=progress)).watchdog.progress is progress
    assert worker("w", run).watchdog is None


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf, "5", True, [].__len__])
def test_a_watchdog_is_nothing_else(wrong):
    message = f"watchdog of worker 'w': expected finite seconds, 0.001 or more, or a Watchdog, got {wrong!r}"
    assert refusal(lambda: worker("w", run, watchdog=wrong)) == message
    assert refusal(lambda: ChildSpec(id="w", run=run, watchdog=wrong)) == message


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, math.inf, "5", True, None])
def test_the_time_of_a_watchdog_is_seconds(seconds):
    message = refusal(lambda: Watchdog(within=seconds))
    assert message == f"within of a Watchdog: expected finite seconds, 0.001 or more, got {seconds!r}"


def test_the_progress_of_a_watchdog_is_a_function():
    message = refusal(lambda: Watchdog(within=5.0, progress=7))
    assert message.startswith(
        "progress of a Watchdog: expected a plain function without arguments, got 7; write progress="
    )


def test_two_children_of_one_name_are_refused_s7():
    message = refusal(lambda: supervisor("s", children=[worker("w", run), supervisor("w")]))
    assert message == "two children of supervisor 's' have the id 'w'; give each its own"


@pytest.mark.parametrize("child", [run, "w", ("w", run), None])
def test_children_are_specs(child):
    message = refusal(lambda: supervisor("s", children=[child]))
    assert message.startswith(f"children of supervisor 's': expected specs, got {child!r}; write worker(id, run, …)")


@pytest.mark.parametrize("children", [worker("w", run), 5, None])
def test_children_come_in_a_list(children):
    message = refusal(lambda: supervisor("s", children=children))
    assert message.startswith(f"children of supervisor 's': expected specs, got {children!r}")
    assert "children=[…]" in message


def test_a_child_to_be_added_is_checked_as_one_in_the_list():
    message = refusal(lambda: supervisor("s").check_child("w"))
    assert message.startswith("children of supervisor 's': expected specs, got 'w'")


def test_children_may_be_any_iterable_and_become_a_tuple():
    assert supervisor("s", children=(worker(id, run) for id in "ab")).children == (worker("a", run), worker("b", run))


def test_a_spec_is_frozen_and_can_be_changed_by_replacing():
    spec = worker("w", run, 1)
    with pytest.raises(FrozenInstanceError):
        spec.id = "x"
    assert replace(spec, id="x") == worker("x", run, 1)
    with pytest.raises(SpecError):
        replace(spec, id="")


def test_arguments_can_be_left_out_s60():
    assert worker("w", run, 1, 2).without_args() == worker("w", run)
    spec = worker("w", run)
    assert spec.without_args() is spec
    assert supervisor("s").without_args() == supervisor("s")


def test_a_supervisor_is_a_child_that_says_when_it_is_ready():
    assert supervisor("s").ready
    assert supervisor("s").start_timeout is None


def test_a_dynamic_supervisor_is_one_for_one_and_starts_empty_d6():
    spec = dynamic_supervisor("s", max_children=3, intensity=7, period=9.0, restart=Restart.TRANSIENT, shutdown=1.0)
    assert (spec.dynamic, spec.strategy, spec.children, spec.max_children) == (True, Strategy.ONE_FOR_ONE, (), 3)
    assert (spec.intensity, spec.period, spec.restart, spec.shutdown) == (7, 9.0, Restart.TRANSIENT, 1.0)


def test_every_option_of_a_supervisor_is_kept():
    spec = supervisor(
        "s",
        strategy=Strategy.REST_FOR_ONE,
        intensity=0,
        period=0.5,
        auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
        restart=Restart.TRANSIENT,
        shutdown="brutal_kill",
        significant=True,
    )
    assert (spec.strategy, spec.intensity, spec.period) == (Strategy.REST_FOR_ONE, 0, 0.5)
    assert (spec.auto_shutdown, spec.restart, spec.shutdown, spec.significant) == (
        AutoShutdown.ANY_SIGNIFICANT,
        Restart.TRANSIENT,
        "brutal_kill",
        True,
    )
