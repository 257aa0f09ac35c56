import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

import stagekit
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Environment, Job
from orchestrator.engine.walls import find_walls
from orchestrator.errors import EngineUnavailable
from tests.engine.base_image import PROGRAM, engine_image
from tests.engine.fake import FakeEngine, Faults
from tests.engine.program import engine_program


@pytest.fixture(scope="session")
def docker_image(docker_client):
    """The id of the test image; afterwards no container of these tests may be left."""
    image = engine_image(docker_client)
    yield image
    left = docker_client.containers.list(all=True, filters={"label": "org.sirr-orch.run=engine-tests"})
    for container in left:
        container.remove(force=True)
    assert not left, "containers were left behind"


@pytest.fixture(scope="session")
def local_code(tmp_path_factory):
    """A folder with stagekit and the test program, as a local environment's code folder is."""
    folder = tmp_path_factory.mktemp("code")
    shutil.copytree(Path(stagekit.__file__).parent, folder / "stagekit")
    shutil.copy(PROGRAM, folder)
    return folder


class Bench:
    """One engine under test: how to make it (again) and jobs for it."""

    def __init__(self, name, engine, environment, root):
        self.name = name
        self.engine = engine
        self.environment = environment
        self.root = root
        self.running = []

    def job(self, kind, *, key=None, inputs=None, **fields):
        key = key or uuid.uuid4().hex * 2
        settings = fields.pop("settings", {})
        return Job(
            key=key,
            run="engine-tests",
            stage=f"{kind}/test",
            kind=kind,
            module="engine_program",
            environment=self.environment,
            staging=self.root / key,
            settings=settings,
            inputs=inputs or {},
            **fields,
        )

    def start(self, job, engine=None):
        running = (engine or self.engine()).start(job)
        self.running.append(running)
        return running

    def clear(self):
        for running in self.running:
            running.remove()


def walls_or_skip(name):
    """Return the walls of a name; where this machine has none of that kind, the test is skipped."""
    try:
        return find_walls(name).walls
    except EngineUnavailable as error:
        pytest.skip(f"optional: {error.message}")


def make_bench(name, request, root):
    if name == "fake":
        world = {}
        faults = Faults(strike={"hoard"}, cut_every=7)

        def engine():
            return FakeEngine(engine_program.HANDLERS, faults, world)

        return Bench(name, engine, Environment("local", "test", "0" * 64, "python"), root)
    if name in ("local", "bubblewrap", "landlock"):
        walls = None if name == "local" else walls_or_skip(name)
        code = request.getfixturevalue("local_code")
        environment = Environment("local", "test", "0" * 64, sys.executable, code)
        return Bench(name, lambda: LocalEngine(root, walls), environment, root)
    client, image = request.getfixturevalue("docker_client"), request.getfixturevalue("docker_image")
    return Bench(name, lambda: DockerEngine(root, client), Environment("docker", "test", "0" * 64, image), root)


@pytest.fixture(params=["fake", "local", pytest.param("docker", marks=pytest.mark.docker)])
def bench(request, tmp_path):
    """Every engine in turn; what a test starts is removed after it."""
    bench = make_bench(request.param, request, tmp_path)
    yield bench
    bench.clear()


@pytest.fixture(params=["bubblewrap", "landlock", pytest.param("docker", marks=pytest.mark.docker)])
def walled_bench(request, outside):
    """Every engine, and all walls of local programs, that shut programs in."""
    bench = make_bench(request.param, request, outside / "stages")
    yield bench
    bench.clear()


@pytest.fixture
def outside():
    """A folder of the user's that is not below /tmp, of which programs have one of their own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="sirr-outside-") as folder:
        yield Path(folder).resolve()


@pytest.fixture
def local_bench(request, tmp_path):
    bench = make_bench("local", request, tmp_path)
    yield bench
    bench.clear()


@pytest.fixture
def docker_bench(request, tmp_path):
    bench = make_bench("docker", request, tmp_path)
    yield bench
    bench.clear()
