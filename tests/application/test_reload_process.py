"""`otp run --reload` as a developer meets it: a real process, real files, a real watch."""

import re
import signal
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from otp.cli import command
from otp.extras import install
from otp.faults import Faults

WORKER = """
import anyio

async def run():
    print("{name} says {word}", flush=True)
    await anyio.sleep_forever()
"""
TREE = """
from otp import supervisor, worker
from shop_parts import a, b

def tree():
    return supervisor("shop", intensity=0, children=[worker("a", a.run), worker("b", b.run)])
"""


class Shop:
    """The program in a process of its own, and the folder that it is edited in."""

    def __init__(self, folder, *options):
        self.parts = folder / "shop_parts"
        self.parts.mkdir()
        (folder / "shop.py").write_text(TREE)
        self.write("a", "one")
        self.write("b", "hello")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otp", "run", "--reload", "shop:tree", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.watchdog = threading.Timer(40, self.process.kill)

    def __enter__(self):
        self.watchdog.start()
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def write(self, name, word):
        (self.parts / f"{name}.py").write_text(WORKER.format(name=name, word=word))

    def said(self):
        return self.process.stdout.readline().rstrip()

    def logged(self, pattern):
        """Read the log until such a line comes."""
        for line in self.process.stderr:
            if re.search(pattern, line):
                return line.rstrip()
        raise AssertionError(f"ended without {pattern}")


@pytest.mark.parametrize("options", [["--no-uvloop"], ["--uvloop"], ["--backend", "trio"]])
def test_an_edited_worker_goes_on_with_its_new_code_alone_and_a_broken_one_with_its_old(tmp_path, options):
    with Shop(tmp_path, *options) as shop:
        assert sorted([shop.said(), shop.said()]) == ["a says one", "b says hello"]
        shop.write("a", "two")
        assert shop.said() == "a says two"
        shop.logged("shop  loaded anew: shop_parts.a, shop$")
        (shop.parts / "a.py").write_text("def run(:\n")
        shop.logged(r"ERROR +shop  not reloaded, the old code goes on: SyntaxError: .* at shop_parts/a.py:1$")
        shop.write("a", "three")
        assert shop.said() == "a says three"
        shop.process.send_signal(signal.SIGTERM)
        said, log = shop.process.communicate(timeout=20)
        assert (said, shop.process.returncode) == ("", 0)  # b has said its word once: it has not been restarted
        assert "shop/b" not in log


def test_faults_can_still_be_injected_into_a_worker_that_was_reloaded(tmp_path):
    """`--faults` and `--reload` share what stands around the workers."""
    handed = []

    class Reloader:
        def __init__(self, target, config, *, around):
            handed.append(around.__self__)

    def main(spec, *, faults, beside, **_):
        handed.append(faults)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        (tmp_path / "faulty_shop.py").write_text("from otp import supervisor\nspec = supervisor('shop')\n")
        patch.setattr("otp.cli.run.Reloader", Reloader)
        patch.setattr("otp.cli.run.main", main)
        assert CliRunner().invoke(command, ["run", "--reload", "--faults", "faulty_shop:spec"]).exit_code == 0
    around, given = handed
    assert isinstance(given, Faults)
    assert around is given


def test_without_the_extra_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "lonely_shop.py").write_text("from otp import supervisor\nspec = supervisor('shop')\n")
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    result = CliRunner().invoke(command, ["run", "--reload", "lonely_shop:spec"])
    assert result.exit_code == 2
    assert result.stderr == f"Error: watchfiles is not installed; {install('reload')}\n"
