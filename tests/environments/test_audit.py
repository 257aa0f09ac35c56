"""The audit of locks, by the real pip-audit against a small server that speaks the database's protocol."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.environment]
"""pip-audit comes from the index."""

KNOWN = {
    "id": "TEST-2026-1",
    "summary": "a hole",
    "affected": [
        {
            "package": {"name": "somepackage", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Knows one hole of one version, and fails where it is asked for `broken`."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = asked["package"]["name"], asked["version"]
        self.send_response(500 if name == "broken" else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"vulns": [KNOWN]} if (name, version) == ("somepackage", "1.5") else {}).encode())

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audited(tmp_path, address, *packages):
    lock = tmp_path / "requirements.txt"
    lock.write_text("".join(f"{package} \\\n    --hash=sha256:{'1' * 64}\n" for package in packages))
    command = [sys.executable, "scripts/audit.py", "--osv", address, str(lock)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        pytest.param(["other==1.0", "somepackage==2.0"], 0, "checked, packages: 2, known holes: 0", id="sound"),
        pytest.param(["other==1.0", "SomePackage==1.5+cpu"], 1, "TEST-2026-1, fixed in 2.0", id="known-hole"),
        pytest.param(["somepackage==2.0", "somepackage==1.5"], 1, "packages: 2, known holes: 1", id="two-versions"),
        pytest.param(["other==1.0", "broken==1.0"], 2, "NOT CHECKED", id="no-answer"),
    ],
)
def test_lock_is_sound_only_where_every_package_was_asked_for(tmp_path, address, packages, status, said):
    done = audited(tmp_path, address, *packages)
    assert said in done.stdout, done.stderr
    assert done.returncode == status


def test_database_that_is_not_there_is_no_clean_bill(tmp_path):
    done = audited(tmp_path, "http://127.0.0.1:9/v1/query", "other==1.0")
    assert "NOT CHECKED" in done.stdout
    assert "nobody answered" in done.stdout
    assert done.returncode == 2
