"""Shows reports over HTTP: their files alone, read only, no listings."""

import errno
import http.server
import ipaddress
import mimetypes
import os
import re
import socket
import sys
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from orchestrator.errors import AddressUnavailable
from orchestrator.report.served import AllReports, Moved, OneReport, Page
from stagekit.inside import open_plain

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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
"""no-cache: a report that was rendered again must not be mixed with the one before. What a page may load, it says."""
_PLAIN = "text/plain; charset=utf-8"
_CHUNK_BYTES = 2**18


class ReportServer(http.server.ThreadingHTTPServer):
    """A server of reports; listens from the moment that it is made."""

    daemon_threads = True

    def __init__(self, site: OneReport | AllReports, bind: str = "127.0.0.1", port: int = 8000) -> None:
        """Listen.

        Args:
            site: What is shown.
            bind: An address of this machine; every one of them for 0.0.0.0 and ::.
            port: 0 takes a free one.

        Raises:
            AddressUnavailable: Where the port is taken, may not be used, or the address is not this machine's.
        """
        self.site = site
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over connections that break; everything else is a mistake of this program."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def is_named(self, host: str) -> bool:
        """Return whether a browser may ask for this server by a name.

        A page of another site can let its own name lead here, and would read the reports by it: only addresses and
        names that nobody else can give away are answered. Who can reach the loopback alone must ask for that.
        """
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return not self.only_here and host.lower() == socket.gethostname().lower()
        return address.is_loopback or not self.only_here

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, as the base class does; that can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD; there is no other method, no listing and nothing that is executed."""

    server: ReportServer
    server_version = "sirr-orch"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answer with a file, a page, or a plain refusal."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self._answer()

    def end_headers(self) -> None:
        """Add what every answer carries."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Stay silent: what a browser fetches is of no interest."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request that this server knows, in plain text; the connection ends."""
        del message, explain
        self._refused(HTTPStatus(code))

    def _answer(self) -> None:
        status = self._wrong_request()
        if status is not None:
            self._refused(status)
            return
        path = self.path.partition("?")[0].partition("#")[0]
        found = self.server.site.answer(urllib.parse.unquote(path, errors="surrogateescape").removeprefix("/"))
        match found:
            case Page(content):
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", content)
            case Moved(to):
                self._send(HTTPStatus.MOVED_PERMANENTLY, _PLAIN, b"", {"Location": to})
            case Path():
                self._send_file(found)
            case None:
                self._send(HTTPStatus.NOT_FOUND, _PLAIN, b"Not Found\n")

    def _wrong_request(self) -> HTTPStatus | None:
        """Return the status that refuses a request, None for one that may be answered."""
        hosts = self.headers.get_all("Host") or []
        has_body = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        if len(hosts) != 1 or not self.path.startswith("/") or has_body:
            return HTTPStatus.BAD_REQUEST
        host = _host_name(hosts[0])
        if host is None:
            return HTTPStatus.BAD_REQUEST
        return None if self.server.is_named(host) else HTTPStatus.FORBIDDEN

    def _send_file(self, path: Path) -> None:
        try:
            stream = open(open_plain(path), "rb")  # noqa: SIM115, PTH123 - no link and no device, whatever lies there now
        except OSError:
            self._send(HTTPStatus.NOT_FOUND, _PLAIN, b"Not Found\n")
            return
        with stream:
            status = os.fstat(stream.fileno())
            written = self.date_time_string(int(status.st_mtime))
            if self.headers.get("If-Modified-Since") == written:
                self._send(HTTPStatus.NOT_MODIFIED, None, b"")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", _type_of(path))
            self.send_header("Content-Length", str(status.st_size))
            self.send_header("Last-Modified", written)
            self.end_headers()
            left = status.st_size if self.command != "HEAD" else 0
            while left > 0 and (chunk := stream.read(min(left, _CHUNK_BYTES))):
                self.wfile.write(chunk)
                left -= len(chunk)
            self.close_connection |= left > 0

    def _refused(self, status: HTTPStatus) -> None:
        """Answer plainly and end the connection: what follows on it may be anything."""
        self.close_connection = True
        allowed = {"Allow": "GET, HEAD"} if status == HTTPStatus.NOT_IMPLEMENTED else {}
        self._send(status, _PLAIN, f"{status.phrase}\n".encode(), {"Connection": "close", **allowed})

    def _send(
        self, status: HTTPStatus, type_: str | None, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if type_ is not None:
            self.send_header("Content-Type", type_)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(body)


def _host_name(host: str) -> str | None:
    """Return the name or address in a Host header, None where it is none."""
    try:
        parts = urllib.parse.urlsplit(f"//{host}")
        name, _port = parts.hostname, parts.port
    except ValueError:
        return None
    plain = (
        parts.netloc == host and parts.username is None and re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", name or "")
    )
    return name if plain else None


def _type_of(path: Path) -> str:
    ending = path.suffix.lower()
    return _TYPES.get(ending) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


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
