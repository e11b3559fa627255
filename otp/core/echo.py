"""Whether the failure of a supervisor was caused by a failure below it, which another event has reported."""

from otp.errors import ChildRefused, FatalFailure, IntensityReached, StartError, StartTimeout
from otp.exits import Crashed, Exit, Refused


def echo_of(path: str, exit: Exit | None) -> str:
    """Return the path of the descendant over whose failure the supervisor at `path` ended; empty: it has none.

    Exact types are compared: a subclass is an error of a worker, and asking a foreign object may run foreign code.
    """
    if type(exit) is Refused:
        return _other(path, exit.paths)
    if type(exit) is not Crashed:
        return ""
    error = exit.error
    if type(error) is IntensityReached or type(error) is FatalFailure:
        return _other(path, (error.offender,))
    if type(error) is StartError or type(error) is StartTimeout:
        return _other(path, (error.path,))
    return _other(path, error.paths) if type(error) is ChildRefused else ""


def _other(path: str, failed: tuple[str, ...]) -> str:
    return next((one for one in failed if one.startswith(f"{path}/")), "")
