"""A socket between a client and an engine that cuts connections in the middle of an answer."""

import contextlib
import selectors
import socket
import threading
from pathlib import Path


class CuttingProxy:
    """Forwards to `engine`; an answer to a request that contains `about` is cut after `after_bytes`, `cuts` times."""

    def __init__(self, path: Path, engine: str, *, about: bytes, after_bytes: int, cuts: int) -> None:
        self.made = 0
        self._engine = engine
        self._about = about
        self._after_bytes = after_bytes
        self._cuts = cuts
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine, selectors.DefaultSelector() as ready:
            engine.connect(self._engine)
            ready.register(client, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, client)
            left = None
            with contextlib.suppress(OSError):
                while True:
                    for found, _events in ready.select():
                        data = found.fileobj.recv(4096)
                        if not data:
                            return
                        if found.fileobj is client:
                            left = self._after_bytes if self._about in data and self._may_cut() else None
                        elif left is not None:
                            data, left = data[:left], left - len(data)
                        found.data.sendall(data)
                        if left is not None and left <= 0:
                            return

    def _may_cut(self) -> bool:
        with self._lock:
            self.made += 1
            return self.made <= self._cuts
