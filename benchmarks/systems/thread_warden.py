"""Thread-Warden: a thread that looks each second whether the others live, with a backoff."""

import threading
import time

from Thread_Warden import Thread_Warden
from Thread_Warden.Interfaces import Child_Thread

from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    class Crashing(Child_Thread):
        def run(self):
            run.enter()
            time.sleep(run.idle)
            run.crashing()
            raise ValueError

        def stop(self): ...

    if not run.log:
        threading.excepthook = lambda _: None
    warden = Thread_Warden()
    warden.start()
    warden.register_new_child("child", lambda state: Crashing())
    threading.Event().wait()
