"""The result of a request, for the caller who awaits it."""

import anyio

from otp.errors import OTPError


class Answer:
    """The token of a request: the machine returns it together with the result."""

    __slots__ = ("_error", "_given", "_result")

    def __init__(self) -> None:
        self._given = anyio.Event()
        self._result: object = None
        self._error: OTPError | None = None

    def give(self, result: object, *, is_value: bool = False) -> None:
        """Resolve the request; an `OTPError` is raised to the caller, unless it is a child's value."""
        if isinstance(result, OTPError) and not is_value:
            self._error = result
        else:
            self._result = result
        self._given.set()

    async def wait(self) -> object:
        """Return the result, or raise the error. A cancellation ends the waiting, not the request."""
        await self._given.wait()
        if self._error is not None:
            raise self._error
        return self._result
