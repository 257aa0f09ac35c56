"""What a program says of its inputs names the files as the user knows them, wherever the engine laid them."""

from pathlib import Path

import pytest

from orchestrator.errors import InputInvalid
from orchestrator.execute.job_outcome import Hearing
from orchestrator.execute.run_stages import ExecutionRequest, executed_stages, planned_stages
from orchestrator.plan.stage import Source, Stage
from orchestrator.store.store import Store
from stagekit import BadInput, StageContext
from tests.execute.photo_engine import photo_engine

INPUTS = {"/inputs/checkpoint": Path("/home/u/my nets/w.pth"), "/inputs/checkpoint-2": Path(r"/home/u\\1/x")}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/inputs/checkpoint has no entry 'x'", "/home/u/my nets/w.pth has no entry 'x'"),
        ("read '/inputs/checkpoint'.", "read '/home/u/my nets/w.pth'."),
        ("in /inputs/checkpoint/a/b.index", "in /home/u/my nets/w.pth/a/b.index"),
        ("/inputs/checkpoint-2: odd", r"/home/u\\1/x: odd"),
        ("/inputs/checkpoints is another", "/inputs/checkpoints is another"),
        ("/inputs/checkpoint.index is another", "/inputs/checkpoint.index is another"),
        ("/my/inputs/checkpoint is another", "/my/inputs/checkpoint is another"),
        ("give /inputs/checkpoint.", "give /home/u/my nets/w.pth."),
    ],
)
def test_paths_of_inputs_are_the_users(said: str, words: str) -> None:
    assert Hearing("adopt/x", lambda _event: None, INPUTS).words(said) == words


def test_a_failure_names_the_users_file(tmp_path: Path) -> None:
    def prepare(context: StageContext) -> None:
        raise BadInput("/inputs/source holds no picture", "look into /inputs/source")

    given = tmp_path / "mine"
    given.mkdir()
    store = Store(tmp_path / "store")
    stage = Stage("prepare/mine", "prepare", "metrics", {}, sources={"source": Source(given, "0" * 64)})
    request = ExecutionRequest(store.root, "local", lambda _event: None, lambda _words: None)
    with photo_engine() as engine:
        engine.handle("prepare", prepare)
        engine.seen = {"/inputs/source": given}
        with pytest.raises(InputInvalid) as caught:
            executed_stages(planned_stages([stage], store, "r", tmp_path / "logs", "cpu"), store, request)
    assert caught.value.message == f"{given} holds no picture"
    assert caught.value.hint == f"look into {given}"
