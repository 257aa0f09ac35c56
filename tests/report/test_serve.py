"""The server: the report's files with their types, and nothing else of this machine."""

import contextlib
import http.client
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import AddressUnavailable
from orchestrator.report.serve import ReportServer
from orchestrator.report.served import AllReports, OneReport
from tests.hostile_names import NOT_PLAIN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    report = tmp_path / "artifact"
    (report / "pictures" / "a b").mkdir(parents=True)
    for name in ("index.html", "static.js", "style.css", "report.json", "scores.parquet", "pictures/a b/x.png"):
        (report / name).write_bytes(name.encode())
    (report / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (report / "leaks").symlink_to(tmp_path)
    os.mkfifo(report / "pipe")
    (tmp_path / "report").symlink_to(report)
    return tmp_path / "report"


@contextlib.contextmanager
def serving(site: Path | AllReports, bind: str = "127.0.0.1") -> Iterator[ReportServer]:
    with ReportServer(OneReport(site) if isinstance(site, Path) else site, bind, 0) as server:
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
    "path",
    [
        "/pictures/",
        "/pictures",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/pictures/../../secret.txt",
        "/pictures/%2e%2e/index.html",
        "/..%5csecret.txt",
        "/./index.html",
        "/pictures//a b/x.png",
        "/%2fetc/hostname",
        "/leak.txt",
        "/leaks/secret.txt",
        "/%00",
        "/index.html%00.png",
        "/%0d%0aSet-Cookie:a=b",
        "/%ff",
        "/pipe",
        "/nothing.html",
    ],
)
def test_nothing_else_is_shown_and_no_folder_is_listed(folder: Path, path: str) -> None:
    with serving(folder) as server:
        status, _, body = asked(server, path.replace(" ", "%20"))
    assert (status, body) == (404, b"Not Found\n")


def test_foreign_name_that_leads_to_this_machine_reads_nothing(folder: Path) -> None:
    with serving(folder) as server:
        assert asked(server, "/", host="evil.example")[0] == 403
        assert asked(server, "/", host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "MKCOL", "get"])
def test_nothing_can_be_written(folder: Path, method: str) -> None:
    before = (folder / "index.html").read_bytes()
    with serving(folder) as server:
        assert asked(server, "/index.html", method)[0] == 501
    assert (folder / "index.html").read_bytes() == before


def said(server: ReportServer, text: str | bytes) -> str:
    """Send bytes as they are, and return all that comes until the server ends the connection."""
    with socket.create_connection(server.server_address[:2], timeout=10) as client:
        client.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        client.shutdown(socket.SHUT_WR)
        parts = []
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts).decode("latin-1")


GOOD = "Host: 127.0.0.1\r\n"
MALFORMED = [
    pytest.param("GET / HTTP/1.1\r\n\r\n", id="no-host"),
    pytest.param("GET / HTTP/1.1\r\nHost: \r\n\r\n", id="empty-host"),
    pytest.param("GET / HTTP/1.1\r\nHost: [\r\n\r\n", id="open-bracket"),
    pytest.param("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", id="half-an-address"),
    pytest.param("GET / HTTP/1.1\r\nHost: 127.0.0.1:x\r\n\r\n", id="port-of-letters"),
    pytest.param("GET / HTTP/1.1\r\nHost: 127.0.0.1:99999999\r\n\r\n", id="large-port"),
    pytest.param("GET / HTTP/1.1\r\nHost: a@127.0.0.1\r\n\r\n", id="user"),
    pytest.param("GET / HTTP/1.1\r\nHost: 127.0.0.1/evil\r\n\r\n", id="path"),
    pytest.param("GET / HTTP/1.1\r\nHost: 127.0.0.1 evil\r\n\r\n", id="space"),
    pytest.param("GET / HTTP/1.1\r\nHost: 127.0.0.1\x00\r\n\r\n", id="nul"),
    pytest.param("GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", id="no-ascii"),
    pytest.param(f"GET / HTTP/1.1\r\n{GOOD}Host: evil.example\r\n\r\n", id="two-hosts"),
    pytest.param(f"GET http://evil.example/ HTTP/1.1\r\n{GOOD}\r\n", id="whole-address"),
    pytest.param(f"GET index.html HTTP/1.1\r\n{GOOD}\r\n", id="no-slash"),
    pytest.param(f"GET / HTTP/1.1\r\n{GOOD}Content-Length: 30\r\n\r\nGET /report.json HTTP/1.1\r\n\r\n", id="body"),
    pytest.param(f"GET / HTTP/1.1\r\n{GOOD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked"),
    pytest.param("GET / HTTP/9\r\n\r\n", id="version"),
    pytest.param("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="tls"),
    pytest.param("GET\r\n\r\n", id="one-word"),
]


@pytest.mark.parametrize("request_text", MALFORMED)
def test_what_is_no_request_is_refused_in_one_line(
    folder: Path, request_text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(folder) as server:
        answer = said(server, request_text)
        assert asked(server, "/")[0] == 200
    assert re.match(r"HTTP/1\.1 400 |Bad Request\n", answer), answer
    assert answer.endswith("Bad Request\n")
    assert answer.count("Bad Request\n") == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_line_without_end_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(folder) as server:
        assert " 414 " in said(server, "GET /" + "a" * 70_000 + " HTTP/1.1\r\n\r\n")
        assert " 431 " in said(server, "GET / HTTP/1.1\r\n" + "A: b\r\n" * 500 + "\r\n")
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.2:80", 200),
        ("[::1]:8000", 200),
        ("localhost", 200),
        ("a.localhost:8000", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.0.2.1", 403),
        ("0x7f000001", 403),
    ],
)
def test_only_loopback_names_lead_to_a_loopback_server(folder: Path, host: str, status: int) -> None:
    with serving(folder) as server:
        assert asked(server, "/", host=host)[0] == status


@pytest.mark.parametrize(
    ("host", "status"),
    [("192.0.2.1:8000", 200), ("localhost", 200), (socket.gethostname(), 200), ("evil.example", 403)],
)
def test_a_server_for_others_is_asked_by_address_or_its_own_name(folder: Path, host: str, status: int) -> None:
    with serving(folder, "0.0.0.0") as server:
        assert asked(server, "/", host=host)[0] == status


@pytest.mark.parametrize("path", ["/", "/nothing", "/static.js"])
def test_every_answer_carries_what_protects_the_reader(folder: Path, path: str) -> None:
    with serving(folder) as server:
        head = said(server, f"GET {path} HTTP/1.0\r\n{GOOD}\r\n").partition("\r\n\r\n")[0]
        refused = said(server, "PUT / HTTP/1.1\r\n\r\n").partition("\r\n\r\n")[0]
    for text in (head, refused):
        for name in (
            "X-Content-Type-Options: nosniff",
            "X-Frame-Options: DENY",
            "Referrer-Policy: no-referrer",
            "Cross-Origin-Resource-Policy: same-origin",
            "Cross-Origin-Opener-Policy: same-origin",
            "Content-Security-Policy: frame-ancestors 'none'",
        ):
            assert name in text
        assert "Access-Control-Allow-Origin" not in text


def test_file_that_was_not_changed_is_not_sent_again(folder: Path) -> None:
    with serving(folder) as server:
        first = said(server, f"GET / HTTP/1.0\r\n{GOOD}\r\n")
        (written,) = re.findall("Last-Modified: (.*)\r", first)
        again = said(server, f"GET / HTTP/1.0\r\n{GOOD}If-Modified-Since: {written}\r\n\r\n")
    assert again.startswith("HTTP/1.1 304 ")
    assert again.endswith("\r\n\r\n")


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Path:
    """Two runs with reports, one a link as earlier versions made it; one without, and one that leads outside."""
    store = tmp_path / "store"
    for run in ("first", "second", "none", "evil"):
        (store / "runs" / run).mkdir(parents=True)
    (store / "runs" / "first" / "run.json").write_text("private")
    (store / "runs" / "first" / "report").mkdir()
    (store / "runs" / "first" / "report" / "index.html").write_text("of the first")
    (store / "artifacts" / "output").mkdir(parents=True)
    (store / "artifacts" / "output" / "index.html").write_text("of the second")
    (store / "runs" / "second" / "report").symlink_to("../../artifacts/output")
    (store / "runs" / "evil" / "report").symlink_to(folder.resolve())
    return store


def test_all_reports_of_a_store_are_shown_below_their_runs(store: Path) -> None:
    with serving(AllReports(store)) as server:
        status, type_, page = asked(server, "/")
        assert (status, type_) == (200, "text/html; charset=utf-8")
        assert re.findall(rb'<a href="(.*?)">', page) == [b"first/", b"second/"]
        assert asked(server, "/first/")[2] == b"of the first"
        assert asked(server, "/second/index.html")[2] == b"of the second"
        assert asked(server, "/first")[0] == 301


@pytest.mark.parametrize(
    "path",
    [
        "/none/",
        "/evil/",
        "/evil/index.html",
        "/first/../run.json",
        "/first/%2e%2e/run.json",
        "/first/run.json",
        "/runs/",
    ],
)
def test_of_a_store_only_reports_are_shown(store: Path, path: str) -> None:
    with serving(AllReports(store)) as server:
        assert asked(server, path)[0] == 404


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_no_odd_name_of_a_run_is_looked_for(store: Path, name: str) -> None:
    if name:
        assert AllReports(store).answer(name) is None


def test_store_that_is_not_there_has_no_reports(tmp_path: Path) -> None:
    with serving(AllReports(tmp_path / "gone")) as server:
        assert b"No run of this store has a report yet" in asked(server, "/")[2]


def test_address_names_the_port_that_was_free(folder: Path) -> None:
    with serving(folder) as server:
        assert server.address == f"http://127.0.0.1:{server.server_port}/"
        assert server.only_here


def test_taken_port_is_named_with_a_remedy(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"port {port} of 127.0.0.1 is taken") as caught:
            ReportServer(OneReport(folder), "127.0.0.1", port)
    assert "--port" in (caught.value.hint or "")


@pytest.mark.parametrize(("bind", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70000)])
def test_address_of_another_machine_is_refused(folder: Path, bind: str, port: int) -> None:
    with pytest.raises(AddressUnavailable, match="cannot be listened on"):
        ReportServer(OneReport(folder), bind, port)
