"""What a stage's program leaves and prints, in processes, containers: refused in words, followed nowhere, in time."""

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import stagekit
from orchestrator.cli.console import PlainConsole, error_text
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Engine, Environment
from orchestrator.errors import InfraFailure, OutputInvalid, SirrError, StageFailed
from orchestrator.execute.comparison import look_up
from orchestrator.execute.run_stages import PlannedStages, RunOptions, StagesResult, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.spec.library import load_image
from orchestrator.store.store import Store
from tests.engine.base_image import engine_image
from tests.hostile.guarded import SECRET, Watch

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys
import stagekit

def work(context):
    output, decoys = context.request.output, context.setting("decoys")
    with stagekit.write_atomically(context.output("scores.json"), "w") as stream:
        stream.write("{}")
    exec(context.setting("deed"))

sys.exit(stagekit.run_program({"evaluate": work}))
"""

REFUSED = {
    "link": "os.symlink(decoys + '/decoy.txt', output + '/a.txt')",
    "link-to-nothing": "os.symlink('/nowhere', output + '/a.txt')",
    "link-to-a-folder": "os.symlink(decoys, output + '/a')",
    "link-as-the-result": "os.unlink(output + '/scores.json'); os.symlink(decoys, output + '/scores.json')",
    "hard-link": "os.link(output + '/scores.json', output + '/a.json')",
    "pipe": "os.mkfifo(output + '/a')",
    "pipe-as-the-result": "os.unlink(output + '/scores.json'); os.mkfifo(output + '/scores.json')",
    "socket": "import socket; os.chdir(output); socket.socket(socket.AF_UNIX).bind('a')",
    "name-with-an-escape": "open(output + '/a\\x1b[2J', 'w').close()",
    "name-of-two-lines": "open(output + '/a\\nb', 'w').close()",
    "no-result": "os.unlink(output + '/scores.json')",
    "empty-result": "open(output + '/scores.json', 'w').close()",
    "folder-as-the-result": "os.unlink(output + '/scores.json'); os.mkdir(output + '/scores.json')",
    "output-gone": "os.unlink(output + '/scores.json'); os.rmdir(output)",
    "output-is-a-link": "os.unlink(output + '/scores.json'); os.rmdir(output); os.symlink(decoys, output)",
    "facts-are-a-link": "facts = os.path.dirname(output) + '/facts'; os.rmdir(facts); os.symlink(decoys, facts)",
    "facts-are-a-pipe": "facts = os.path.dirname(output) + '/facts'; os.rmdir(facts); os.mkfifo(facts)",
}
"""What no result may be."""

SAID = {
    "escapes": "raise stagekit.BadInput('a\\x1b[2J\\u202e[red]b', 'c\\x1b]0;d\\x07')",
    "long": "raise stagekit.BadInput('a' * 10**6, 'b')",
    "class-of-its-own": "print(json.dumps({'event': 'failure', 'class': '../x', 'message': 'm'})); sys.exit(1)",
    "code-of-its-own": "os._exit(77)",
    "killed": "os.kill(os.getpid(), 9)",
}
"""How a program may fail."""

PRINTED = {
    "no-text": "sys.stdout.buffer.write(b'\\xff\\xfe\\0\\x1b[2J\\n' * 100)",
    "deep": "print('[' * 10**6)",
    "line-without-end": "[sys.stdout.write('a' * 2**20) for _ in range(48)]",
    "odd-progress": 'print(\'{"event": "progress", "done": 1e999, "total": NaN, "unit": [], "metrics": {"a": {}}}\')',
    "odd-warning": 'print(\'{"event": "warning", "message": {"a": []}}\')',
    "digits": "print('{\"event\": \"progress\", \"done\": ' + '9' * 10**6 + '}')",
    "many": 'print(\'\\n\'.join(\'{"event": "warning", "message": "%d"}\' % n for n in range(20000)))',
}
"""What a program may print and end well."""


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    folder = tmp_path / "decoys"
    folder.mkdir()
    (folder / "decoy.txt").write_text(SECRET)
    return folder


Making = Callable[[Store], tuple[Engine, Environment]]
"""Makes an engine over a store, and the environment of `PROGRAM` for it."""


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def making(request: pytest.FixtureRequest, tmp_path: Path) -> Making:
    if request.param == "docker":
        client, reference = request.getfixturevalue("docker_client"), request.getfixturevalue("program_image")
        return lambda store: (
            DockerEngine(store.layout.stagings, client),
            Environment("docker", "metrics", "0" * 64, reference),
        )
    code = tmp_path / "code"
    shutil.copytree(Path(stagekit.__file__).parent, code / "stagekit")
    (code / f"{load_image('metrics').module}.py").write_text(PROGRAM)
    return lambda store: (
        LocalEngine(store.layout.stagings),
        Environment("local", "metrics", "0" * 64, sys.executable, code),
    )


@pytest.fixture(scope="session")
def program_image(docker_client: Any) -> Iterator[str]:
    """The id of an image with `PROGRAM` in it."""
    archive = io.BytesIO()
    place = f"/program/{load_image('metrics').module}.py"
    files = {
        "Dockerfile": f"FROM {engine_image(docker_client)}\nCOPY program.py {place}\n",
        "program.py": PROGRAM,
    }
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    archive.seek(0)
    image, _log = docker_client.images.build(fileobj=archive, custom_context=True, rm=True)
    yield image.id
    docker_client.images.remove(image.id, force=True)


def run(folder: Path, decoys: Path, deed: str, making: Making) -> tuple[Store, StagesResult]:
    """Let a stage's program do something besides leaving a result."""
    image = load_image("metrics")
    store = Store(folder / "store")
    stages = (Stage("evaluate/a", "evaluate", "metrics", {"deed": deed, "decoys": str(decoys)}),)
    programs = {"metrics": Program("code", {"evaluate": 1})}
    planned = PlannedStages(
        "run", folder / "logs", stages, {"metrics": image}, programs, "cpu", look_up(stages, programs, store)
    )
    engine, environment = making(store)
    options, environments = RunOptions(grace_s=5.0), {"metrics": environment}
    return store, run_stages(planned, store, engine, environments, lambda _event: None, Stopper(), options)


def shown(error: SirrError) -> str:
    stream = StringIO()
    console = PlainConsole()
    console.file = stream
    console.print(error_text(error))
    return stream.getvalue()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("deed", REFUSED.values(), ids=REFUSED)
def test_what_is_no_result_is_refused_and_followed_nowhere(
    tmp_path: Path, decoys: Path, deed: str, making: Making
) -> None:
    watch = Watch([decoys])
    store, result = run(tmp_path, decoys, deed, making)
    assert watch.heard() == []
    watch.close()
    error = result.failures["evaluate/a"]
    assert isinstance(error, (OutputInvalid, StageFailed)), error  # walls do not let its folders go
    assert error.hint or isinstance(error, StageFailed)
    assert "\x1b" not in shown(error)
    assert store.layout.artifact_keys() == []
    assert (decoys / "decoy.txt").read_text() == SECRET


@pytest.mark.timeout(120)
@pytest.mark.parametrize("deed", SAID.values(), ids=SAID)
def test_whatever_a_failing_program_says_is_shown_as_words(
    tmp_path: Path, decoys: Path, deed: str, making: Making
) -> None:
    store, result = run(tmp_path, decoys, deed, making)
    error = result.failures["evaluate/a"]
    assert isinstance(error, SirrError)
    assert not isinstance(error, InfraFailure), "it would be tried again"
    text = shown(error)
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert len(text) < 20_000
    assert store.layout.artifact_keys() == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("deed", PRINTED.values(), ids=PRINTED)
def test_whatever_a_program_prints_its_result_is_taken(tmp_path: Path, decoys: Path, deed: str, making: Making) -> None:
    _, result = run(tmp_path, decoys, deed, making)
    assert not result.failures
    log = next((tmp_path / "logs").glob("*"))
    assert os.path.getsize(log) < 2**27


def test_program_that_fails_in_a_way_of_its_own_has_failed(tmp_path: Path, decoys: Path, making: Making) -> None:
    _, result = run(tmp_path, decoys, "raise RuntimeError('of its own')", making)
    assert type(result.failures["evaluate/a"]) is StageFailed
