"""One trial, `python -m tests.mutations.trial`, run in a copy of the project: its tests, up to the first that fails."""

import resource
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

CORE = Path("tests/core")
SWEEPS = [CORE / "test_random_walk.py", CORE / "test_every_interleaving.py"]  # last: others say better what is wrong
MEMORY = 2**31
"""Bytes; a machine that never comes to an end would take all there is."""


class FirstFailure:
    """Remembers which test found it."""

    test: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.test is None:
            endless = "Timeout (>" in report.longreprtext
            self.test = f"{report.nodeid} (it never ends)" if endless else report.nodeid


def main() -> None:
    """Run the tests; the last line that is printed names the one that failed."""
    otp = find_spec("otp")  # not imported: pytest wants to be the first to import anyio
    assert otp and otp.origin and Path(otp.origin).is_relative_to(Path.cwd()), f"not the mutated otp: {otp}"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    named = [path for path in sorted(CORE.glob("test_*.py")) if path not in SWEEPS]
    tests = [*named, "tests/conformance/test_recorded.py", *SWEEPS]
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=ci", "--timeout=30"]
    found = FirstFailure()
    code = pytest.main([*options, *map(str, tests)], plugins=[found])
    click.echo(found.test or "")
    sys.exit(code)


if __name__ == "__main__":
    main()
