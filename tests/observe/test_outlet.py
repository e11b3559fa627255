"""The outlet: it never makes anybody wait, keeps the order, and says what is missing."""

import os
import threading
import time

import pytest

from otp.observe import outlet as outlets
from otp.observe.fallback_log import flush_outlets, say_aside
from otp.observe.outlet import LONGEST, Outlet, open_outlets


class Place:
    """Somewhere to write to. It can be shut, and then whoever writes waits; it can fail."""

    def __init__(self):
        self.text = ""
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error = None
        self.tries = 0

    def __call__(self, text):
        self.entered.set()
        self.tries += 1
        assert self.open.wait(30)
        if self.error is not None:
            raise self.error
        self.text += text

    @property
    def lines(self):
        return self.text.splitlines()

    def shut(self, outlet):
        """Let the outlet's thread get stuck with one line."""
        self.open.clear()
        self.entered.clear()
        outlet.put("stuck\n")
        assert self.entered.wait(5)


class Own(BaseException):
    pass


@pytest.fixture
def place():
    place = Place()
    yield place
    place.open.set()


@pytest.fixture
def open_outlet(place):
    made = []

    def make(**options):
        made.append(Outlet("place", place, **options))
        return made[-1]

    yield make
    place.open.set()
    place.error = None
    for outlet in made:
        outlet.close(5.0)


@pytest.fixture(autouse=True)
def alone():
    """No outlet of another test hears the last words."""
    for outlet in open_outlets():
        outlet.close(0.0)


def test_lines_come_in_their_order_from_any_thread(place, open_outlet):
    outlet = open_outlet()

    def put(name):
        for number in range(1_000):
            outlet.put(f"{name} {number}\n")

    threads = [threading.Thread(target=put, args=[name]) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outlet.flush(5.0)
    assert (outlet.written, outlet.dropped, outlet.waiting) == (3_000, 0, 0)
    for name in "abc":
        assert [line for line in place.lines if line[0] == name] == [f"{name} {number}" for number in range(1_000)]


def test_whoever_puts_does_not_wait_and_the_gap_is_said_in_its_place(place, open_outlet):
    outlet = open_outlet(lines=10)
    place.shut(outlet)
    for number in range(1_234):
        outlet.put(f"{number}\n")
    assert (outlet.waiting, outlet.dropped) == (11, 1_224)
    place.open.set()
    assert outlet.flush(5.0)
    assert place.lines == [
        "stuck",
        "WARNING  1 224 lines were not written, place was not read",
        *map(str, range(1_224, 1_234)),
    ]
    outlet.put("and on\n")
    assert outlet.flush(5.0)
    assert place.lines[-1] == "and on"  # it is said once


def test_the_size_of_what_waits_is_bounded_and_so_is_a_line(place, open_outlet):
    outlet = open_outlet(size=2 * LONGEST)
    place.shut(outlet)
    outlet.put(f"{'x' * 10 * LONGEST}\n")
    assert len(outlet._waiting[0]) == LONGEST
    assert outlet._waiting[0].endswith("…\n")
    for _ in range(100):
        outlet.put("y" * (LONGEST // 2))
    assert outlet._size <= 2 * LONGEST
    assert outlet._size == sum(map(len, outlet._waiting))


@pytest.mark.parametrize(
    "error", [OSError(28, "full"), ValueError("closed"), Own("own"), SystemExit(3), GeneratorExit()]
)
def test_a_place_that_fails_is_tried_at_a_bounded_rate_and_loses_no_more_than_it_must(
    place, open_outlet, monkeypatch, error
):
    monkeypatch.setattr(outlets, "PAUSES", (0.01,))
    outlet = open_outlet()
    place.error = error
    outlet.put("lost\n")
    while place.tries < 5:  # it goes on trying, with nothing but the line on what is missing
        time.sleep(0.005)
    outlet.put("kept\n")
    assert not outlet.flush(0.0)
    place.error = None
    while not outlet.flush(5.0):
        time.sleep(0.005)
    assert place.lines == [f"WARNING  1 line was not written, place failed: {type(error).__name__}", "kept"]


def test_while_a_place_fails_it_is_tried_rarely(place, open_outlet):
    outlet = open_outlet()
    place.error = OSError()
    for _ in range(200):
        outlet.put("x\n")
        time.sleep(0.001)
    assert place.tries <= 4  # at 0, 0.1 and 0.4 s


def test_a_flush_ends_with_its_time_and_says_whether_all_is_written(place, open_outlet):
    outlet = open_outlet()
    outlet.put("a\n")
    assert flush_outlets(5.0)
    place.shut(outlet)
    began = time.monotonic()
    assert not flush_outlets(0.1)
    assert not outlet.flush(-1.0)
    assert time.monotonic() - began < 5.0
    place.open.set()
    assert flush_outlets(5.0)


def test_lines_dropped_do_not_make_those_being_written_count_as_written(place, open_outlet):
    outlet = open_outlet(lines=2)
    place.shut(outlet)
    done = []
    flusher = threading.Thread(target=lambda: done.append(outlet.flush(5.0)))
    flusher.start()
    for _ in range(10):
        outlet.put("more\n")
    flusher.join(0.1)
    assert done == []
    place.open.set()
    flusher.join(5.0)
    assert done == [True]


def test_without_an_outlet_a_line_past_the_log_goes_to_standard_error(capfd):
    say_aside("CRITICAL", "the end")
    assert flush_outlets(within=5.0)
    assert capfd.readouterr().err == "CRITICAL the end\n"


def test_what_is_put_into_a_closed_outlet_is_counted_as_dropped(place, open_outlet):
    outlet = open_outlet()
    outlet.put("a\n")
    outlet.close(5.0)
    outlet.put("b\n")
    assert (place.lines, outlet.written, outlet.dropped) == (["a"], 1, 1)
    outlet._thread.join(5.0)
    assert not outlet._thread.is_alive()


def test_closing_one_that_is_stuck_ends_with_its_time(place, open_outlet):
    outlet = open_outlet()
    place.shut(outlet)
    outlet.close(0.1)
    place.open.set()
    outlet._thread.join(5.0)
    assert not outlet._thread.is_alive()


def test_without_a_thread_a_line_is_dropped_and_the_next_one_tries_again(place, open_outlet, monkeypatch):
    def no_more(self):
        raise RuntimeError("can't start new thread")

    outlet = open_outlet()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more)
        outlet.put("a\n")
    outlet.put("b\n")
    assert outlet.flush(5.0)
    assert (place.lines, outlet.dropped) == (["b"], 1)


def test_a_put_in_the_middle_of_a_put_is_one_more_line(place, open_outlet):
    outlet = open_outlet()
    with outlet._changed:  # as a signal handler or a finalizer finds it
        outlet.put("from a finalizer\n")
    assert outlet.flush(5.0)
    assert place.lines == ["from a finalizer"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads: that is the point
def test_a_forked_child_writes_at_once_and_nothing_of_its_parent():
    ours, theirs = os.pipe()
    gate = threading.Event()

    def write(text):
        if os.getpid() == parent:
            assert gate.wait(30)
        os.write(theirs, text.encode())

    parent = os.getpid()
    outlet = Outlet("pipe", write)
    outlet.put("of the parent\n")
    if (child := os.fork()) == 0:
        try:
            outlet.put("of the child\n")
            outlet.flush(1.0)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    gate.set()
    outlet.close(5.0)
    os.close(theirs)
    with os.fdopen(ours) as said:
        assert said.read() == "of the child\nof the parent\n"
