"""Where the sockets are, whose they are, and what becomes of those of a process that was killed."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from fcntl import LOCK_SH, flock
from pathlib import Path

import pytest

from otp.control.wire import sockets
from otp.control.wire.sockets import LONGEST_PATH, claim, folder, live_sockets, socket_path
from otp.errors import ControlError

HOLDER = """
import os, sys, time
from pathlib import Path
from otp.control.wire.sockets import claim
held = claim("shop", Path(sys.argv[1]))
listeners = held.listen()
if "fork" in sys.argv:
    forked, there = os.pipe()
    child = os.fork()
    if not child:
        os.write(there, b"here")
        time.sleep(60)
        os._exit(0)
    os.read(forked, 4)
    print(child, flush=True)
print(held.operate, flush=True)
sys.stdin.read()
held.release()
"""


@pytest.fixture
def holder(place):
    """Starts processes that hold the name `shop`; each ends with the test."""
    running = []

    def start(*arguments):
        command = [sys.executable, "-c", HOLDER, str(place), *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def said(process):
    return process.stdout.readline().strip()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


# ---------------------------------------------------------------------------------------------------- where


def test_the_folder_is_in_the_runtime_folder_of_the_user(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert folder() == Path("/run/user/1000/otp")
    assert socket_path("shop") == Path("/run/user/1000/otp/shop.sock")


@pytest.mark.parametrize(
    ("writable", "expected"),
    [(True, Path("/run/otp")), (False, Path(tempfile.gettempdir()) / f"otp-{os.getuid()}")],
)
def test_without_one_it_is_in_run_or_where_that_is_not_ours_in_the_temporary_folder(monkeypatch, writable, expected):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(os, "access", lambda path, mode: writable)
    assert folder() == expected


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("shop", "shop.sock"),
        ("my shop/1", "my_shop_1.sock"),
        ("v1.2", "v1.2.sock"),
        (".shop", "_shop.sock"),
        ("shop.ro", "shop_ro.sock"),
        ("..", "_..sock"),
    ],
)
def test_a_name_becomes_a_file_of_its_own_in_the_folder(place, app, name):
    assert socket_path(app, place) == place / name


def test_the_folder_is_made_for_us_alone_and_so_are_the_sockets(place):
    ours = claim("shop", place / "otp")
    listeners = ours.listen()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (place / "otp", ours.operate, ours.read)]
    assert modes == [0o700, 0o600, 0o600]
    assert (ours.operate.name, ours.read.name) == ("shop.sock", "shop.ro.sock")
    assert sorted(path.name for path in (place / "otp").iterdir()) == ["shop.lock", "shop.ro.sock", "shop.sock"]
    for listener in listeners:
        assert not os.get_inheritable(listener.fileno())
        listener.close()
    ours.release()
    assert not (place / "otp").exists()


def test_a_folder_that_was_there_stays_and_so_does_one_that_others_use(place):
    ours, others = claim("shop", place), claim("bakery", place / "otp")
    more = claim("mill", place / "otp")
    ours.release()
    others.release()
    assert [path.name for path in place.iterdir()] == ["otp"]
    assert [path.name for path in (place / "otp").iterdir()] == ["mill.lock"]
    more.release()
    assert list((place / "otp").iterdir()) == []


def test_a_name_is_had_although_somebody_who_lists_the_sockets_holds_its_lock_for_a_moment(place, monkeypatch):
    lock = (place / "shop.lock").open("w")
    flock(lock, LOCK_SH)
    monkeypatch.setattr("otp.control.wire.sockets.time.sleep", lambda _: lock.close())
    ours = claim("shop", place)
    assert ours.operate.name == "shop.sock"
    ours.release()


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused(place, mode):
    place.chmod(mode)
    with pytest.raises(ControlError, match=f"mode {mode:04o}; chmod 700"):
        claim("shop", place)


def test_a_link_to_a_folder_is_refused(place):
    (place / "real").mkdir(mode=0o700)
    (place / "link").symlink_to(place / "real")
    with pytest.raises(ControlError, match="ours alone"):
        claim("shop", place / "link")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(place):
    theirs = place / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    with pytest.raises(ControlError, match="belongs to uid 65534"):
        claim("shop", theirs)


def test_a_path_that_is_too_long_for_a_socket_is_refused_and_the_longest_that_is_not_can_be_bound(place):
    room = LONGEST_PATH - len(os.fsencode(place / ".x.ro.sock")) + 1
    ours = claim("x" * room, place)
    for listener in ours.listen():
        listener.close()
    ours.release()
    with pytest.raises(ControlError, match=f"may have {LONGEST_PATH} bytes"):
        claim("x" * (room + 1), place)


# ---------------------------------------------------------------------------------------------------- whose


def test_a_name_that_a_living_process_has_is_not_taken_and_its_sockets_stay(place, holder):
    other = holder()
    theirs = Path(said(other))
    ours = claim("shop", place)
    listeners = ours.listen()
    assert (theirs.name, ours.operate.name) == ("shop.sock", f"shop-{os.getpid()}.sock")
    assert list(live_sockets(place)) == [ours.operate, theirs]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(theirs))
    for listener in listeners:
        listener.close()
    ours.release()
    assert list(live_sockets(place)) == [theirs]


def test_what_a_killed_process_left_is_no_live_socket_and_is_cleared_by_the_next_of_its_name(place, holder):
    other = holder()
    theirs = Path(said(other))
    kill(other)
    assert theirs.exists()
    assert list(live_sockets(place)) == []
    ours = claim("shop", place)
    assert ours.operate == theirs
    assert not theirs.exists()
    assert not theirs.with_suffix(".ro.sock").exists()
    ours.release()


def test_what_killed_processes_left_under_names_with_their_process_ids_is_cleared_too(place, holder):
    first, second, third = holder(), None, None
    said(first)
    second, third = holder(), holder()
    stale, live = Path(said(second)), Path(said(third))
    assert stale.name == f"shop-{second.pid}.sock"
    kill(second)
    kill(first)
    foreign = place / "shop-front.lock"
    foreign.touch()
    ours = claim("shop", place)
    assert not stale.exists()
    assert not stale.with_suffix(".lock").exists()
    assert live.exists()
    assert foreign.exists()
    ours.release()


def test_a_process_that_ends_in_order_leaves_no_socket(place, holder):
    other = holder()
    theirs = Path(said(other))
    other.stdin.close()
    other.wait(20.0)
    assert not theirs.exists()


def test_a_process_that_it_forked_holds_neither_its_name_nor_its_sockets(place, holder):
    other = holder("fork")
    child = int(said(other))
    said(other)
    kill(other)
    try:
        os.kill(child, 0)
        assert list(live_sockets(place)) == []
        ours = claim("shop", place)
        assert ours.operate.name == "shop.sock"
        ours.release()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_lock_whose_file_is_cleared_away_while_it_is_taken_is_taken_anew(place, monkeypatch):
    path = place / "shop.lock"
    real, cleared = sockets._lock, []

    def lock_after_clearing(file):
        if not cleared:
            cleared.append(path.unlink())
        real(file)

    monkeypatch.setattr(sockets, "_lock", lock_after_clearing)
    lock = sockets._locked(path)
    assert os.path.samestat(os.fstat(lock.fileno()), path.stat())
    lock.close()


def test_when_both_names_are_taken_it_is_said(place):
    held = [claim("shop", place), claim("shop", place)]
    with pytest.raises(ControlError, match="both taken"):
        claim("shop", place)
    for one in held:
        one.release()


def test_sockets_that_cannot_be_made_leave_nothing_behind(place, monkeypatch):
    ours = claim("shop", place)

    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        ours.listen()
    assert [path.name for path in place.iterdir()] == ["shop.lock"]
    ours.release()
