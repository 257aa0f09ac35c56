import sys
import tempfile
from pathlib import Path

import pytest

from orchestrator.conformance import engine_program
from orchestrator.conformance.engine_bench import Bench, code_folder, local_environment
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Environment
from orchestrator.engine.walls import find_walls
from orchestrator.errors import EngineUnavailable
from tests.engine.base_image import engine_image
from tests.engine.fake import FakeEngine, Faults


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
    return code_folder(tmp_path_factory.mktemp("code"))


def walls_or_skip(name):
    """Return the walls of a name; where this machine has none of that kind, the test is skipped."""
    try:
        return find_walls(name).walls
    except EngineUnavailable as error:
        pytest.skip(f"optional: {error.message}")


def make_bench(name, request, root, folder=None):
    """Return the bench of an engine.

    root: of staging folders; folder: of inputs
    """
    folder = folder or root / "outside"
    if name == "fake":
        world = {}
        faults = Faults(strike={"hoard"}, cut_every=7)

        def engine():
            return FakeEngine(engine_program.HANDLERS, faults, world)

        return Bench(name, engine, Environment("local", "test", "0" * 64, "python"), root, folder)
    if name in ("local", "bubblewrap", "landlock"):
        walls = None if name == "local" else walls_or_skip(name)
        code = request.getfixturevalue("local_code")
        return Bench(name, lambda: LocalEngine(root, walls), local_environment(sys.executable, code), root, folder)
    client, image = request.getfixturevalue("docker_client"), request.getfixturevalue("docker_image")
    environment = Environment("docker", "test", "0" * 64, image)
    return Bench(name, lambda: DockerEngine(root, client), environment, root, folder)


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
