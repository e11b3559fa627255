"""A command line against a socket with prepared answers."""

import pytest
from click.testing import CliRunner

from otp.cli import command
from tests.cli.prepared import prepared


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """The output depends on nobody's terminal."""
    for name in ("COLUMNS", "NO_COLOR", "OTP_SOCKET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def otp_of(tmp_path_factory):
    """`otp_of(answers)` gives a function that calls `otp` against a server with these answers."""
    servers = []

    def serve(answers, **options):
        path = tmp_path_factory.mktemp("s") / "massive.sock"
        context = prepared(path, answers, **options)
        server = context.__enter__()
        servers.append(context)

        def call(*arguments, **more):
            return CliRunner().invoke(command, [*arguments, "-S", str(path)], prog_name="otp", **more)

        call.server = server
        return call

    yield serve
    for context in servers:
        context.__exit__(None, None, None)
