"""Which children are on their way up again: that one is up again is news, that one is up is not."""

from otp.events import ChildRestarting, ChildStarted, ChildStartFailed, Event, SupervisorExited

__all__ = ("Recoveries",)


class Recoveries:
    """Remembers, of each child that is not up yet, what was told of it last."""

    def __init__(self) -> None:
        self._down: dict[str, type[Event]] = {}

    def before(self, event: Event) -> type[Event] | None:
        """What was told last of the same child, for `sentence`: `ChildRestarting`, `ChildStartFailed`, or nothing."""
        return self._down.get(event.path)

    def note(self, event: Event) -> None:
        """The event has been told."""
        if isinstance(event, ChildRestarting | ChildStartFailed):
            self._down[event.path] = type(event)
        elif isinstance(event, ChildStarted):
            self._down.pop(event.path, None)
        elif isinstance(event, SupervisorExited):  # what is below it never comes up
            below = f"{event.path}/"
            self._down = {path: kind for path, kind in self._down.items() if not path.startswith(below)}
