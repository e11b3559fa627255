"""Where Unix's own modules are missing, as on Windows, otp is imported and runs trees; it has no control sockets."""

import subprocess
import sys

BLOCKED = """
import os
import sys

MISSING = {"fcntl", "grp", "pwd", "resource", "syslog", "termios"}


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
for name in MISSING:
    sys.modules.pop(name, None)
del os.fork, os.register_at_fork, os.getuid, os.geteuid
"""

EMBEDDED = """
import anyio
import otp


async def main():
    async with otp.open_supervisor(otp.supervisor("root", children=[otp.worker("a", anyio.sleep_forever)])) as root:
        print([child.state.value for child in root.which_children()])


anyio.run(main)
"""

WHOLE = """
import anyio
import otp


async def work():
    print("at work", flush=True)


end = otp.worker("a", work, restart=otp.Restart.TRANSIENT, significant=True)
spec = otp.supervisor("root", auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT, children=[end])
print(otp.run(spec, uvloop=False))
"""


def without_unix(program):
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + program], capture_output=True, text=True, timeout=40, check=False
    )


def test_the_modules_and_functions_are_really_not_to_be_had():
    done = without_unix("import fcntl")
    assert done.stderr.endswith("No module named 'fcntl'\n")
    assert "AttributeError" in without_unix("os.getuid()").stderr


def test_an_embedded_tree_runs():
    done = without_unix(EMBEDDED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['running']\n", "")


def test_a_tree_as_a_program_runs_and_says_why_it_cannot_be_looked_into():
    done = without_unix(WHOLE)
    assert (done.returncode, done.stdout) == (0, "at work\n0\n"), done.stderr
    said, stopped = done.stderr.splitlines()
    assert "root  cannot be looked into from outside: control sockets need fcntl" in said
    assert "root  stopped" in stopped


def test_a_program_without_control_says_nothing_of_it():
    done = without_unix(WHOLE.replace("uvloop=False", "uvloop=False, control=False"))
    assert (done.returncode, done.stdout) == (0, "at work\n0\n"), done.stderr
    (stopped,) = done.stderr.splitlines()
    assert "root  stopped" in stopped


def test_every_module_but_those_of_the_screen_can_be_imported():
    """The screen's library reads a terminal, for which it has another way on Windows."""
    done = without_unix("""
import importlib, pkgutil
import otp
for module in pkgutil.walk_packages(otp.__path__, "otp."):
    if not module.name.startswith("otp.tui") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
""")
    assert (done.returncode, done.stderr) == (0, "")
