"""Shows one report folder over HTTP: that folder alone, read only, no listings."""

import errno
import http.server
import ipaddress
import mimetypes
import os
import socket
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from orchestrator.errors import AddressUnavailable

_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
"""Types that a report needs, whatever this machine's tables say: browsers refuse scripts of another type."""

_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""no-cache: a report that was rendered again must not be mixed with the one before."""


class ReportServer(http.server.ThreadingHTTPServer):
    """A server of one report; listens from the moment that it is made."""

    daemon_threads = True

    def __init__(self, folder: Path, bind: str = "127.0.0.1", port: int = 8000) -> None:
        """Listen.

        Args:
            folder: Links are followed here once, never later.
            port: 0 takes a free one.

        Raises:
            AddressUnavailable: Where the port is taken, may not be used, or the address is not this machine's.
        """
        self.folder = folder.resolve()
        try:
            found = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self.address_family = found[0]
            super().__init__((str(found[4][0]), port), _Handler)
        except (OSError, OverflowError) as error:
            raise _unavailable(bind, port, error) from error
        self.bind = bind

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the report."""
        host = str(self.server_address[0])
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1" if self.address_family == socket.AF_INET else "::1"
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.server_address[1]}/"

    @property
    def only_here(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return ipaddress.ip_address(str(self.server_address[0])).is_loopback

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, as the base class does; that can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Answers GET and HEAD for files of the folder."""

    server: ReportServer
    server_version = "sirr-orch"
    sys_version = ""
    protocol_version = "HTTP/1.1"

    def __init__(self, request: Any, client: Any, server: ReportServer) -> None:
        super().__init__(request, client, server, directory=str(server.folder))

    def send_head(self) -> Any:
        """Answer with a file or a plain 'not found'; a page of another site must not read a report through a name."""
        if not self._asked_for_by_address():
            return self._refused(HTTPStatus.FORBIDDEN)
        if not self._inside().is_file():
            return self._refused(HTTPStatus.NOT_FOUND)
        return super().send_head()

    def translate_path(self, _path: str) -> str:
        """Return the file that is asked for."""
        return str(self._inside())

    def guess_type(self, path: Any) -> str:
        """Return a file's type."""
        ending = os.path.splitext(os.fspath(path))[1].lower()  # noqa: PTH122 - the base class gives text
        return _TYPES.get(ending) or mimetypes.guess_type(os.fspath(path))[0] or "application/octet-stream"

    def end_headers(self) -> None:
        """Add what every answer carries."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Stay silent: what a browser fetches is of no interest."""

    def _inside(self) -> Path:
        """Return the path that is asked for, or the folder itself where it lies outside."""
        asked = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path, errors="surrogateescape")
        if "\0" in asked:
            return self.server.folder
        found = (self.server.folder / (asked.lstrip("/") or "index.html")).resolve()
        return found if found.is_relative_to(self.server.folder) else self.server.folder

    def _asked_for_by_address(self) -> bool:
        """Return whether a loopback server is asked for by a loopback name, so that no foreign name leads here."""
        if not self.server.only_here:
            return True
        host = urllib.parse.urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host.endswith(".localhost")

    def _refused(self, status: HTTPStatus) -> None:
        body = f"{status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _unavailable(bind: str, port: int, error: OSError | OverflowError) -> AddressUnavailable:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return AddressUnavailable(
            f"port {port} of {bind} is taken by another program", hint="name another with --port; 0 takes a free one"
        )
    if number == errno.EACCES:
        return AddressUnavailable(f"port {port} may not be used by this user", hint="name one above 1023 with --port")
    said = getattr(error, "strerror", None) or str(error)
    return AddressUnavailable(
        f"{bind}, port {port} cannot be listened on: {said}", hint="name an address of this machine with --bind"
    )
