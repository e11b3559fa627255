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


@pytest.mark.parametrize("name", MODULES)
def test_each_module_promises_what_it_has(name):
    module = importlib.import_module(name)
    promised = getattr(module, "__all__", None)
    if promised is None:
        assert not [v for v in vars(module).values() if getattr(v, "__module__", None) == name], (
            f"{name} has no __all__"
        )
        return
    assert isinstance(promised, tuple)
    assert len(set(promised)) == len(promised)
    assert set(promised) <= set(vars(module))
