"""pykka: a thread for each actor; it restarts nothing, the hook `on_failure` does."""

import threading
import time

import pykka

from benchmarks.systems.runs.restarts import Restarts


class Idle(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message): ...


def restart(run: Restarts) -> None:
    class Crashing(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_start(self):
            run.enter()
            self.actor_ref.tell("crash")

        def on_receive(self, message):
            if run.idle:
                time.sleep(run.idle)
            run.crashing()
            raise ValueError

        def on_failure(self, *exc_info):
            Crashing.start()

    for _ in range(run.siblings):
        Idle.start()
    Crashing.start()
    threading.Event().wait()
