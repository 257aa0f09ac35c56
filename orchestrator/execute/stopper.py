"""Ctrl-C in two steps: stop and keep what can be resumed; stop now."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Stopper:
    """Whether and how urgently the user wants the run to end.

    A counter that is polled, not an event: a signal handler must not take a lock.
    """

    def __init__(self, above: "Stopper | None" = None) -> None:
        """Make one.

        Args:
            above: Whose request is one to stop now, for this one too.
        """
        self._requests = 0
        self._above = above

    def request(self) -> None:
        """Ask once to stop and keep what can be resumed, twice to stop now."""
        self._requests += 1

    @property
    def requested(self) -> bool:
        """Whether the run is to end."""
        return self._requests > 0 or (self._above is not None and self._above.requested)

    @property
    def at_once(self) -> bool:
        """Whether it is to end without saving anything."""
        return self._requests > 1 or (self._above is not None and self._above.requested)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into requests while the block runs; threads besides the main one hear no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self.request()

        previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
