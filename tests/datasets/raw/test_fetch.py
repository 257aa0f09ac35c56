"""Downloads from a real server on this machine that gives parts, breaks off, and lies."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from orchestrator.datasets.raw.fetch import Patience, fetched
from orchestrator.errors import InfraFailure, InputInvalid
from orchestrator.spec.published import RemoteFile

CONTENT = bytes(range(256)) * 3000 + b"end"
HASTE = Patience(connect_s=5, read_s=5, pause_s=0.0)


@dataclass
class Served:
    """What the server does. cut_after: bytes of one answer before it breaks off; asked: the ranges asked for"""

    content: bytes = CONTENT
    cut_after: int | None = None
    ranges: bool = True
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def server() -> Iterator[Served]:
    served = Served()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            served.asked.append(asked)
            if served.status is not None:
                self.send_error(served.status)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and served.ranges else 0
            if start >= len(served.content) and start:
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if asked and served.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            if asked and served.ranges:
                self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
            self.end_headers()
            self.wfile.write(body if served.cut_after is None else body[: served.cut_after])

        def log_message(self, *_):
            """Keep quiet."""

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    served.address = f"http://127.0.0.1:{listening.server_port}/file.bin"
    yield served
    listening.shutdown()
    thread.join()
    listening.server_close()


def remote(server, **known):
    facts = {"size": len(CONTENT), "md5": hashlib.md5(CONTENT).hexdigest(), **known}
    return RemoteFile(name="file.bin", address=server.address, **facts)


def test_file_comes_whole_and_progress_is_heard(server, tmp_path):
    heard = []
    path = fetched(remote(server), tmp_path, lambda done, total: heard.append((done, total)), HASTE)
    assert path.read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_file_that_is_there_and_whole_is_not_asked_for(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert server.asked == []


def test_broken_connections_go_on_where_they_broke(server, tmp_path):
    server.cut_after = 200_000
    path = fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=200000-", "bytes=400000-", "bytes=600000-"]


def test_part_of_an_earlier_run_is_taken_up(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1234])
    assert fetched(remote(server), tmp_path, lambda *_: None, HASTE).read_bytes() == CONTENT
    assert server.asked == ["bytes=1234-"]


def test_complete_part_of_an_earlier_run_is_only_checked(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert fetched(remote(server), tmp_path, lambda *_: None, HASTE).read_bytes() == CONTENT
    assert server.asked == []


def test_complete_part_of_unknown_size_is_asked_for_once(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert fetched(remote(server, size=None), tmp_path, lambda *_: None, HASTE).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_server_without_parts_is_read_again_from_the_start(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    assert fetched(remote(server), tmp_path, lambda *_: None, HASTE).read_bytes() == CONTENT


def test_part_of_another_file_is_found_by_its_checksum_and_removed(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(InputInvalid, match="is not the published file: its md5 is"):
        fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(CONTENT[:-1] + b"!", "its md5 is", id="changed"),
        pytest.param(CONTENT + b"more", "gives more than", id="longer"),
    ],
)
def test_what_is_not_the_published_file_is_refused(server, tmp_path, content, said):
    server.content = content
    with pytest.raises(InputInvalid, match=said):
        fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert list(tmp_path.iterdir()) == []


def test_sha256_may_be_known_by_its_beginning(server, tmp_path):
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert fetched(remote(server, sha256=digest[:12]), tmp_path, lambda *_: None, HASTE).is_file()
    with pytest.raises(InputInvalid, match="its sha256 is"):
        fetched(remote(server, sha256="0123456789"), tmp_path / "other", lambda *_: None, HASTE)


@pytest.mark.parametrize("status", [404, 500])
def test_server_that_refuses_is_given_up_and_what_is_there_is_kept(server, tmp_path, status):
    server.status = status
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:500])
    with pytest.raises(InfraFailure, match=f"could not be fetched: {status}") as caught:
        fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert "500 bytes are kept" in caught.value.where
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:500]


def test_connection_that_never_brings_anything_is_given_up(server, tmp_path):
    server.cut_after = 0
    with pytest.raises(InfraFailure):
        fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert len(server.asked) == 6


def test_damaged_file_that_was_there_is_not_overwritten(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"mine")
    with pytest.raises(InputInvalid, match="it has 4 bytes"):
        fetched(remote(server), tmp_path, lambda *_: None, HASTE)
    assert (tmp_path / "file.bin").read_bytes() == b"mine"
