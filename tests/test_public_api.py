"""`__all__` is a promise: it is kept exactly."""

import importlib
import pkgutil
from types import ModuleType

import pytest

import otp

MODULES = [
    module.name
    for module in pkgutil.walk_packages(otp.__path__, "otp.")
    if not module.name.endswith("__main__") and not module.name.startswith("otp.testing.pytest")
]


def test_otp_has_exactly_the_names_that_it_promises():
    modules = {name for name, value in vars(otp).items() if isinstance(value, ModuleType)}
    names = {name for name in vars(otp) if not name.startswith("_")}
    assert names - modules | {"events", "exits"} == set(otp.__all__)
    assert tuple(sorted(otp.__all__)) == tuple(otp.__all__)


def test_otp_promises_about_forty_names():
    assert 25 <= len(otp.__all__) <= 45


def test_each_public_thing_has_words_about_itself():
    silent = [
        name for name in otp.__all__ if name not in ("Event", "EventHook", "Exit") and not getattr(otp, name).__doc__
    ]
    assert silent == []


PUBLIC = {
    "otp.application",
    "otp.core.explain",
    "otp.dependency",
    "otp.errors",
    "otp.events",
    "otp.exits",
    "otp.faults",
    "otp.policy",
    "otp.spec",
    "otp.testing",
    "otp.testing.explore",
    "otp.watchdog",
}
"""What a user imports from. Everywhere else a name without an underscore is said once, where it is defined."""


@pytest.mark.parametrize("name", MODULES)
def test_the_modules_that_a_user_imports_from_promise_what_they_have_and_no_others(name):
    module = importlib.import_module(name)
    promised = getattr(module, "__all__", None)
    assert (promised is not None) is (name in PUBLIC)
    if promised is not None:
        assert isinstance(promised, tuple)
        assert len(set(promised)) == len(promised)
        assert set(promised) <= set(vars(module))
