"""The images' own programs, started as the local engine starts them, but forked: without walls, and in them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.local import local_environment
from orchestrator.engine.program import STAGE_FILE, lay_out, stage_request
from orchestrator.engine.protocol import Environment, Job
from orchestrator.engine.visible import Visible, interpreter_paths, machine_paths
from orchestrator.engine.walls import Walls
from orchestrator.spec.library import load_image
from tests.hostile.guarded import GuardedTree
from tests.hostile.programs import CODE, ROOT, Bounds, Ended, ForkedPrograms, forked_programs

IMPORTED: Mapping[str, Sequence[str]] = {
    "inference": (
        "inference_program.explain_network",
        "inference_program.infer_dataset",
        "inference_program.prepare_photos",
    ),
    "errnet2019": ("errnet2019.adopt",),
    "ibcln2020": ("ibcln2020.adopt",),
    "zhang2018": ("zhang2018.released", "zhang2018.train_stage"),
}
"""What the programs import when they are started, by image."""


@dataclass(frozen=True)
class StageProgram:
    """The program of an image, ready to run stages."""

    image: str
    python: Path
    programs: ForkedPrograms

    def run(self, kind: str, settings: Mapping[str, object], inputs: Mapping[str, Path], where: Path) -> "Laid":
        """Lay out a stage's folders, and return what runs it.

        Args:
            where: The staging folder, which is made.
        """
        environment = Environment("local", self.image, "0" * 64, str(self.python), ROOT)
        module = load_image(self.image).module
        stage = f"{kind}/hostile"
        job = Job("0" * 64, "run", stage, kind, module, environment, where, settings, inputs, threads=1, workers=0)
        where.mkdir()
        lay_out(job, stage_request(job, str(where), {name: str(path) for name, path in inputs.items()}))
        return Laid(self.programs, job)


@dataclass(frozen=True)
class Laid:
    """A stage whose folders are there."""

    programs: ForkedPrograms
    job: Job

    def end(self, bounds: Bounds) -> Ended:
        """Run it to its end; nothing but its own folders may be in its staging folder then."""
        staging = self.job.staging
        before, asked = sorted(staging.iterdir()), (staging / STAGE_FILE).read_bytes()
        environment = local_environment(self.job, staging)
        ended = self.programs.run(self.job.module, [str(staging / STAGE_FILE)], staging / "work", environment, bounds)
        assert sorted(staging.iterdir()) == before
        assert (staging / STAGE_FILE).read_bytes() == asked
        return ended


@contextlib.contextmanager
def stage_programs(
    image_python: Callable[[str], Path], tree: GuardedTree, walls: Walls
) -> Iterator[Callable[[str], StageProgram]]:
    """Yield a function from an image's name to its program, which is started once.

    Args:
        image_python: From an image's name to its interpreter.
        tree: Where the stages lie.
        walls: Around the programs; of the tree they let the folders of its rows through.
    """
    started: dict[str, StageProgram] = {}
    with contextlib.ExitStack() as stack:

        def program(image: str) -> StageProgram:
            if image not in started:
                python = image_python(image)
                behind = walls.command(_visible(python, tree))
                server = forked_programs(IMPORTED[image], python, (*CODE, ROOT / "images" / image), behind)
                started[image] = StageProgram(image, python, stack.enter_context(server))
            return started[image]

        yield program


def _visible(python: Path, tree: GuardedTree) -> Visible:
    code = tuple(ROOT / name for name in ("stagekit", "orchestrator", "images", "tests"))
    return Visible((*machine_paths(), *interpreter_paths(python), *code), (tree.rows,), tree.rows)
