"""The `otp` command as its user meets it."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from otp.cli import command

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def otp(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))

    def call(*arguments):
        return CliRunner().invoke(command, arguments, prog_name="otp")

    return call


def process(*arguments, cwd=HERE, **options):
    return subprocess.run(
        [sys.executable, "-m", "otp", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **options,
    )


def test_tree_prints_what_would_run_and_how(otp):
    assert otp("tree", "shop:spec").output == (
        "TREE           RESTART    SHUTDOWN\n"
        "shop                                   rest_for_one, 5 restarts in 60 s\n"
        "├─ till        permanent  5 s          ready\n"
        "├─ stock       transient  no limit     one_for_one, 1 restart in 5 s, auto_shutdown any_significant\n"
        "│  ├─ counter  permanent  brutal_kill  ready within 2.5 s, watchdog 30 s\n"
        "│  └─ truck    transient  no limit     significant\n"
        "├─ guests      permanent  no limit     dynamic, at most 40 children, 3 restarts in 5 s\n"
        "└─ light       temporary  0.5 s        watchdog 1e+09 s\n"
    )


def test_check_counts_what_would_run_and_starts_nothing():
    checked = process("check", "shop:spec")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "shop: 4 workers, 3 supervisors\n", "")


def test_check_takes_a_config(otp, tmp_path):
    (tmp_path / "c.json").write_text('{"name": "corner", "tills": 1}')
    assert (
        otp("check", "shop:tree_of", "--config", str(tmp_path / "c.json")).output == "corner: 1 worker, 1 supervisor\n"
    )


@pytest.mark.parametrize("name", ["run", "check", "tree"])
@pytest.mark.parametrize(
    "target", ["shop", "no_such:tree", "shop:nothing", "shop:raising", "shop:wrong", "broken:tree"]
)
def test_no_tree_is_one_message_and_exit_code_2(otp, name, target):
    result = otp(name, target)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_traceback_shows_where_it_failed(otp):
    result = otp("check", "shop:raising", "--traceback")
    assert result.exit_code == 2
    assert "shop.py:" in result.stderr
    assert " raising\n" in result.stderr
    assert result.stderr.endswith("Error: shop:raising raised LookupError: no shop today\n")


def test_the_current_folder_is_looked_in_first_even_by_the_installed_command():
    installed = pathlib.Path(sys.executable).with_name("otp")
    checked = subprocess.run(
        [installed, "check", "shop:tree"], cwd=HERE, capture_output=True, text=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "shop: 4 workers, 3 supervisors\n")


def test_a_tree_that_fails_says_why_and_exits_with_70():
    failed = process("run", "shop:failing")
    assert failed.returncode == 70
    assert "till ended, and no restart is allowed (RuntimeError: out of stock)" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("options", [[], ["--no-uvloop"], ["--uvloop"], ["--backend", "trio"], ["--grace", "5"]])
def test_run_ends_in_order_when_told_to_and_says_how_long_that_took(options):
    with subprocess.Popen(
        [sys.executable, "-m", "otp", "run", "shop:spec", *options],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout.readline() == "working\n"
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert "INFO     shop  stopped in " in said
    assert said.count("\n") == 1
    assert running.returncode == 0


def test_uvloop_is_not_for_trio(otp):
    result = otp("run", "shop:spec", "--backend", "trio", "--uvloop")
    assert result.exit_code == 2
    assert result.stderr == "Error: uvloop=True expects backend='asyncio', got 'trio'; leave one of them out\n"


def test_a_grace_below_zero_is_a_usage_error(otp):
    assert otp("run", "shop:spec", "--grace", "-1").exit_code == 2


def plugin(folder, name, value, code=None, requires=""):
    """An installed distribution that brings a command."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
    (info / "entry_points.txt").write_text(f"[otp.commands]\n{name} = {value}\n")
    if code is not None:
        (folder / f"{value.partition(':')[0]}.py").write_text(code)
    return dict(os.environ, PYTHONPATH=str(folder))


GREETING = (
    "import click\nprint('imported')\n\n@click.command\ndef greet():\n    'Say hello.'\n    click.echo('hello')\n"
)


def test_a_plugin_adds_a_command(tmp_path):
    env = plugin(tmp_path, "greet", "greeting:greet", GREETING)
    assert process("greet", env=env).stdout == "imported\nhello\n"
    assert re.search("greet +Say hello.", process("--help", env=env).stdout)


def test_a_plugin_is_not_imported_for_other_commands(tmp_path):
    env = plugin(tmp_path, "greet", "greeting:greet", GREETING)
    assert process("check", "shop:tree", env=env).stdout == "shop: 4 workers, 3 supervisors\n"


def test_a_plugin_cannot_take_the_place_of_a_command(tmp_path):
    env = plugin(tmp_path, "check", "greeting:greet", GREETING)
    assert process("check", "shop:tree", env=env).stdout == "shop: 4 workers, 3 supervisors\n"
    assert process("--help", env=env).stdout.count("check") == 1


def test_a_plugin_without_its_extra_says_what_to_install_and_harms_nothing(tmp_path):
    missing = "raise ModuleNotFoundError('No module named websockets', name='websockets.asyncio')"
    env = plugin(tmp_path, "demo_x", "demo_x_command:greet", missing, "Requires-Dist: websockets; extra == 'live'")
    called = process("demo_x", "--for", "5", env=env)
    assert called.returncode == 2
    assert called.stderr == (
        "Error: otp demo_x is not available: importing demo_x_command failed: ModuleNotFoundError: "
        "No module named websockets; pip install 'demo_x[live]'\n"
    )
    listed = process("--help", env=env)
    assert listed.returncode == 0
    assert re.search(r"demo_x +\(not available: pip install 'demo_x\[live\]'\)", listed.stdout)


def test_a_plugin_that_is_no_command_says_so(tmp_path):
    env = plugin(tmp_path, "odd", "odd_one:number", "number = 7\n")
    assert "expected odd_one:number to be a click command, got 7" in process("odd", env=env).stderr
