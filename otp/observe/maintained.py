"""Which paths of a tree are under maintenance, by what its events tell."""

from otp.core.paths import is_within, parent_of
from otp.events import MaintenanceEnded, MaintenanceStarted

__all__ = ("Maintained",)


class Maintained:
    """Paths under maintenance with all below them, but for those where it has been ended since."""

    def __init__(self) -> None:
        self._said: dict[str, bool] = {}

    def change(self, event: MaintenanceStarted | MaintenanceEnded) -> None:
        """It starts or ends at a path; that counts for all below, whatever was said of them before."""
        self._said = {path: said for path, said in self._said.items() if not is_within(path, event.path)}
        starts = isinstance(event, MaintenanceStarted)
        if starts is not (event.path in self):
            self._said[event.path] = starts

    def __contains__(self, path: str) -> bool:
        """Whether it is under maintenance: the nearest that was said, of it or of somebody above, counts."""
        while path not in self._said:
            if not path:
                return False
            path = parent_of(path)
        return self._said[path]
