"""The server: the report's files with their types, and nothing else of this machine."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import AddressUnavailable
from orchestrator.report.serve import ReportServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    report = tmp_path / "artifact"
    (report / "pictures" / "a b").mkdir(parents=True)
    for name in ("index.html", "static.js", "style.css", "report.json", "scores.parquet", "pictures/a b/x.png"):
        (report / name).write_bytes(name.encode())
    (report / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "report").symlink_to(report)
    return tmp_path / "report"


@contextlib.contextmanager
def serving(folder: Path, bind: str = "127.0.0.1") -> Iterator[ReportServer]:
    with ReportServer(folder, bind, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked(server: ReportServer, path: str, method: str = "GET", host: str = "") -> tuple[int, str, bytes]:
    """Return status, type and body."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=5)
    try:
        connection.putrequest(method, path, skip_host=bool(host))
        if host:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "type_", "body"),
    [
        pytest.param("/", "text/html; charset=utf-8", b"index.html", id="root"),
        pytest.param("/static.js?v=1", "text/javascript; charset=utf-8", b"static.js", id="script"),
        pytest.param("/style.css", "text/css; charset=utf-8", b"style.css", id="style"),
        pytest.param("/report.json", "application/json", b"report.json", id="json"),
        pytest.param("/scores.parquet", "application/vnd.apache.parquet", b"scores.parquet", id="parquet"),
        pytest.param("/pictures/a%20b/x.png", "image/png", b"pictures/a b/x.png", id="picture"),
    ],
)
def test_files_of_the_report_come_with_their_types(folder: Path, path: str, type_: str, body: bytes) -> None:
    with serving(folder) as server:
        assert asked(server, path) == (200, type_, body)
        assert asked(server, path, "HEAD") == (200, type_, b"")


@pytest.mark.parametrize(
    "path", ["/pictures/", "/pictures", "/../secret.txt", "/%2e%2e/secret.txt", "/leak.txt", "/%00", "/nothing.html"]
)
def test_nothing_else_is_shown_and_no_folder_is_listed(folder: Path, path: str) -> None:
    with serving(folder) as server:
        status, _, body = asked(server, path)
    assert (status, body) == (404, b"Not Found\n")


def test_foreign_name_that_leads_to_this_machine_reads_nothing(folder: Path) -> None:
    with serving(folder) as server:
        assert asked(server, "/", host="evil.example")[0] == 403
        assert asked(server, "/", host=f"localhost:{server.server_port}")[0] == 200


def test_nothing_can_be_written(folder: Path) -> None:
    with serving(folder) as server:
        assert asked(server, "/index.html", "PUT")[0] == 501


def test_address_names_the_port_that_was_free(folder: Path) -> None:
    with serving(folder) as server:
        assert server.address == f"http://127.0.0.1:{server.server_port}/"
        assert server.only_here


def test_taken_port_is_named_with_a_remedy(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"port {port} of 127.0.0.1 is taken") as caught:
            ReportServer(folder, "127.0.0.1", port)
    assert "--port" in (caught.value.hint or "")


@pytest.mark.parametrize(("bind", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70000)])
def test_address_of_another_machine_is_refused(folder: Path, bind: str, port: int) -> None:
    with pytest.raises(AddressUnavailable, match="cannot be listened on"):
        ReportServer(folder, bind, port)
