"""Follows a container's output through cut connections without losing or repeating a line.

The SDK's stream ends silently when its connection is cut and never notices one that has gone quiet, so the answer is
read here: a cut raises, and a stream on which nothing comes for a while is opened anew.
"""

import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import datetime

import docker
import requests
import urllib3

from orchestrator.engine.protocol import LONGEST_LINE_BYTES

CUT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.Timeout,
    urllib3.exceptions.HTTPError,
    OSError,
)
"""What a connection to the engine that breaks or goes quiet raises, depending on where it does."""

_QUIET = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)

IDLE_S = 60.0
_CONNECT_S = 30.0
_OVERLAP_S = 1.0
_PAUSES_S = (0.02, 0.1, 0.5, 1.0)
_MAX_FAILURES = 60
_HEADER = struct.Struct(">BxxxL")


class LogLost(Exception):
    """The engine has no log of the container any more, or cannot be asked for it."""


class LogFollower:
    """The lines of one container, from the first on.

    Args:
        ended: Says whether the container has ended; asked before each connection, so that a stream which was opened
            after the end is known to hold everything.
        piece_bytes: The engine passes on longer lines in pieces of this size, and some of its log drivers end the last
            one with a line end and some do not. None: pieces have any size, and only the last one ends with a line end.
        idle_s: After so long without a line the connection is made anew; the program may just be silent.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        container: str,
        ended: Callable[[], bool],
        *,
        piece_bytes: int | None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._client = client
        self._container = container
        self._ended = ended
        self._piece_bytes = piece_bytes
        self._idle_s = idle_s
        self._seen = _Seen()

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends, until the container has ended and all of its output was read.

        Raises:
            LogLost: Where the container is removed meanwhile.
        """
        failures = 0
        while True:
            ended = self._ended()
            try:
                for text in self._connection(follow=not ended):
                    failures = 0
                    yield text
            except _QUIET:
                continue
            except CUT as error:
                failures += 1
                if failures > _MAX_FAILURES:
                    raise LogLost(f"the log of {self._container} cannot be read: {error}") from error
            else:
                if ended:
                    return
            time.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    def _connection(self, *, follow: bool) -> Iterator[str]:
        """Yield what one connection brings that was not seen before; a line that it cuts short is not one.

        What follows the last line end counts where the container has ended.
        """
        self._seen.reconnect()
        stamp, pending = b"", b""
        for message in self._messages(follow=follow):
            stamp, _, text = message.partition(b" ")
            pending += text
            cut = not text.endswith(b"\n") and (self._piece_bytes is None or len(text) >= self._piece_bytes)
            if cut and len(pending) <= LONGEST_LINE_BYTES:
                continue
            yield from self._unseen(stamp, pending)
            pending = b""
        if pending and not follow:
            yield from self._unseen(stamp, pending)

    def _unseen(self, stamp: bytes, text: bytes) -> Iterator[str]:
        line = text.rstrip(b"\r\n").decode("utf-8", "replace")
        if self._seen.is_new(stamp.decode("ascii"), line):
            yield line

    def _messages(self, *, follow: bool) -> Iterator[bytes]:
        """Yield the engine's log messages, each with its time in front; long lines come in several."""
        api = self._client.api
        parameters: dict[str, str] = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow))}
        if self._seen.latest is not None:
            parameters["since"] = f"{self._seen.latest - _OVERLAP_S:.3f}"
        url = f"{api.base_url}/v{api.api_version}/containers/{self._container}/logs"
        with api.get(url, params=parameters, stream=True, timeout=(_CONNECT_S, self._idle_s)) as response:
            if response.status_code == requests.codes.not_found:
                raise LogLost(f"the container {self._container} is gone")
            response.raise_for_status()
            while header := _exactly(response, _HEADER.size):
                _stream, length = _HEADER.unpack(header)
                yield _exactly(response, length)


def _exactly(response: requests.Response, size: int) -> bytes:
    """Read `size` bytes, or nothing at the stream's end; an end in between is a cut."""
    data = b""
    while len(data) < size:
        part = response.raw.read(size - len(data))
        if not part:
            if data:
                raise urllib3.exceptions.ProtocolError("the log stream ended within a message")
            return b""
        data += part
    return data


def _seconds(stamp: str) -> float:
    """Return the time of a log message, in seconds since the epoch."""
    return datetime.fromisoformat(stamp).timestamp()


class _Seen:
    """The lines of the last moments: after a cut these come again, and are told by time and text."""

    def __init__(self) -> None:
        self.latest: float | None = None
        self._recent: deque[tuple[float, str, str]] = deque()
        self._again: Counter[tuple[str, str]] = Counter()

    def is_new(self, stamp: str, line: str) -> bool:
        """Return whether this line was not passed on before, and remember it."""
        if self._again[stamp, line] > 0:
            self._again[stamp, line] -= 1
            return False
        seconds = _seconds(stamp)
        self.latest = seconds if self.latest is None else max(self.latest, seconds)
        self._recent.append((seconds, stamp, line))
        while self._recent[0][0] < self.latest - 2 * _OVERLAP_S:
            self._recent.popleft()
        return True

    def reconnect(self) -> None:
        """Expect the lines of the overlap once more."""
        self._again = Counter((stamp, line) for _seconds_, stamp, line in self._recent)
