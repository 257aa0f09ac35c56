"""After a run only its document and its results count: everything else that it was made of may be gone."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from orchestrator import resources
from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import Selection
from orchestrator.errors import SpecError
from orchestrator.execute import build
from orchestrator.execute.command import RunRequest, content_of_run, report_of_run
from orchestrator.execute.compare_runs import compare_runs
from orchestrator.execute.data import Reporter, add_set
from orchestrator.execute.explain import plan_of_photos
from orchestrator.execute.models import export_model, release_model
from orchestrator.execute.removal import Removal
from orchestrator.execute.remove import remove_reflections
from orchestrator.execute.run_stages import ExecutionRequest
from orchestrator.report.machine.table_text import write_table
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document
from orchestrator.store.store import Store
from tests.datasets.raw import trees
from tests.engine.fake import FakeEngine, Faults
from tests.execute.small_run import keep

SPEC = """\
name: first
models:
  - {model: errnet2019, recipe: {epochs: 5}}
  - {model: ibcln2020, name: taken, weights: {checkpoint: released.pth}}
metrics: [psnr]
test: [skimage-test, mine, own]
train: {synthetic: skimage-train}
datasets: {own: {kind: pairs, folder: pictures}}
"""
SIZE = {"height": 40, "width": 56}
FEATURES = ("vgg19-dcbb9e9d.pth", "alexnet-owt-7be5be79.pth")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A finished run that used all there is: its own and added datasets, a checkpoint, feature files, photographs."""
    home = tmp_path / "machine"
    trees.folders(home / "pictures", ["1", "2"], {"blended": "blended", "transmission": "transmission"}, **SIZE)
    (home / "released.pth").write_bytes(b"weights")
    (home / "features").mkdir()
    for name in FEATURES:
        (home / "features" / name).write_bytes(name.encode())
    monkeypatch.delenv("SIRR_DATA", raising=False)
    monkeypatch.setenv("SIRR_FEATURES", str(home / "features"))
    trees.folders(tmp_path / "raw", ["7", "8"], trees.PACK, **SIZE)
    add_set(tmp_path / "raw", "mine", Reporter(), home=home / "data")
    (home / "holiday").mkdir()
    Image.new("RGB", (40, 30)).save(home / "holiday" / "a.png")
    spec = home / "first.yaml"
    store = Store(tmp_path / "store")
    for text in (SPEC.replace("epochs: 5", "epochs: 3"), SPEC):
        spec.write_text(text, encoding="utf-8")
        keep(RunRequest(spec, store.root, photos=(home / "holiday",), data=home / "data"), store)
    return SimpleNamespace(home=home, store=store.root, folder=tmp_path, monkeypatch=monkeypatch)


def no_experiment(world: SimpleNamespace) -> None:
    (world.home / "first.yaml").unlink()


def no_dataset(world: SimpleNamespace) -> None:
    shutil.rmtree(world.home / "pictures")
    shutil.rmtree(world.home / "data")
    shutil.rmtree(world.home / "holiday")


def no_checkpoint(world: SimpleNamespace) -> None:
    (world.home / "released.pth").unlink()


def no_feature_files(world: SimpleNamespace) -> None:
    shutil.rmtree(world.home / "features")


def another_shell(world: SimpleNamespace) -> None:
    world.monkeypatch.delenv("SIRR_FEATURES")
    (world.folder / "elsewhere").mkdir()
    world.monkeypatch.chdir(world.folder / "elsewhere")


def no_images(world: SimpleNamespace) -> None:
    (world.folder / "program").mkdir()
    (world.folder / "program" / "data").symlink_to(resources.data_folder())
    world.monkeypatch.setattr(resources, "resource_root", lambda: world.folder / "program")


def moved_store(world: SimpleNamespace) -> None:
    moved = world.folder / "other disk" / "store"
    moved.parent.mkdir()
    world.store.rename(moved)
    world.store = moved


def everything(world: SimpleNamespace) -> None:
    another_shell(world)
    no_images(world)
    moved_store(world)
    shutil.rmtree(world.home)


CHANGES = [
    no_experiment,
    no_dataset,
    no_checkpoint,
    no_feature_files,
    another_shell,
    no_images,
    moved_store,
    everything,
]


@pytest.fixture(
    params=[
        pytest.param(change, id=change.__name__, marks=[] if change is everything else [pytest.mark.slow])
        for change in CHANGES
    ]
)
def changed(world: SimpleNamespace, request: pytest.FixtureRequest) -> SimpleNamespace:
    """The machine after something that the run was made of is gone."""
    change: Callable[[SimpleNamespace], None] = request.param
    change(world)
    return world


def no_engine(_name: object, _store: object) -> Selection:
    raise AssertionError("nothing has to be run")


@pytest.mark.slow
def test_a_finished_run_is_read_from_its_document_and_results_alone(changed: SimpleNamespace) -> None:
    changed.monkeypatch.setattr(build, "chosen_engine", no_engine)
    store, out = changed.store, changed.folder / "out"
    index = report_of_run("first", store).read_text(encoding="utf-8")
    assert "23.0" in index
    assert "not measured" not in index
    table = write_table(content_of_run("first", store), "csv", ["psnr"])
    for dataset in ("skimage-test", "mine", "own"):
        assert f"{dataset},errnet2019,no,standard,psnr,23.0," in table
        assert f"{dataset},taken,no,standard,psnr,22.0," in table
    earlier = write_table(content_of_run("first@1", store), "csv", ["psnr"])
    assert "own,errnet2019,no,standard,psnr,23.0," in earlier
    assert "models.errnet2019.recipe.epochs" in compare_runs(["first@1", "first"], store).read_text(encoding="utf-8")
    means = ExecutionRequest(store, "auto", lambda _event: None, lambda _text: None)
    for model in ("first/errnet2019", "first/taken", "first@1/errnet2019"):
        network, parity = export_model(model, out, means)
        assert network.read_bytes() == b"onnx"
        assert parity.is_file()
    content = content_of_run("first", store)
    assert [(dataset.name, dataset.role, len(dataset.items)) for dataset in content.datasets] == [
        ("skimage-test", "pairs", 3),
        ("mine", "pairs", 3),
        ("own", "pairs", 3),
        ("photos", "photos", 3),
        ("skimage-train", "pairs", 3),
    ]
    assert content.commands == ("sirr-orch run first.yaml --build --photos holiday",)
    assert content.warnings == ()
    vgg19 = hashlib.sha256(FEATURES[0].encode()).hexdigest()
    assert [(file.name, file.sha256) for file in content.feature_files] == [(FEATURES[0], vgg19)]
    report = json.loads((store / "runs" / "first" / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["feature_files"] == [{"name": FEATURES[0], "sha256": vgg19}]
    pages = (store / "runs" / "first" / "report").glob("*.html")
    assert any(vgg19 in page.read_text(encoding="utf-8") for page in pages)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine for what must be run anew: pictures of the user, and weights that are written in another form."""
    made = FakeEngine({"prepare": prepare, "infer": infer, "explain": explain, "release": release}, Faults())
    monkeypatch.setattr(build, "chosen_engine", lambda _name, _store: Selection(made, "engine: fake"))
    monkeypatch.setattr(
        build,
        "built_environments",
        lambda images, *_: {image.name: Environment("local", image.name, "0" * 64, "python") for image in images},
    )
    return made


def write(context: object, name: str, text: str) -> None:
    with open(context.output(name), "w", encoding="utf-8") as stream:  # type: ignore[attr-defined]
        stream.write(text)


def prepare(context: object) -> None:
    item = '{"id": "a", "blended": "a.png", "height": 30, "width": 40, "origin": "a.png"}'
    write(context, "a.png", "pixels")
    write(context, "dataset.json", f'{{"name": "photos", "title": "", "role": "photos", "items": [{item}]}}')


def infer(context: object) -> None:
    with open(context.input("network", "network.onnx"), "rb") as stream:  # type: ignore[attr-defined]
        write(context, "result.png", f"through {stream.read().decode()}")
    head = '"model": "m", "dataset": "d", "mode": "exact", "label": "exact", "runtime": {}'
    item = '{"id": "a", "transmission": "result.png", "height": 30, "width": 40, "seconds": 1, "min": 0, "max": 1}'
    write(context, "predictions.json", f'{{{head}, "items": [{item}]}}')


def explain(context: object) -> None:
    write(context, "plan.json", '{"sizes": []}')


def release(context: object) -> None:
    write(context, "weights.pt", "released")
    write(context, "release.json", '{"files": ["weights.pt"], "notes": []}')


@pytest.mark.slow
@pytest.mark.parametrize("change", [another_shell, moved_store, None], ids=["another-shell", "moved-store", "gone"])
def test_models_of_a_finished_run_are_used_where_all_that_made_them_is_gone(
    world: SimpleNamespace, engine: FakeEngine, change: Callable[[SimpleNamespace], None] | None
) -> None:
    if change is None:
        shutil.rmtree(world.home)
    else:
        change(world)
    photo, out = world.folder / "a.png", world.folder / "out"
    Image.new("RGB", (40, 30)).save(photo)
    for model in ("first/taken", "first@1/errnet2019"):
        removal = Removal((photo,), model, out, world.store)
        (result,) = remove_reflections(removal, lambda _event: None, lambda _text: None)
        assert result.read_text(encoding="utf-8") == "through onnx"
        assert plan_of_photos(removal, lambda _event: None, lambda _text: None).sizes == ()
        means = ExecutionRequest(world.store, "auto", lambda _event: None, lambda _text: None)
        (weights,) = release_model(model, out, means)
        assert weights.read_text(encoding="utf-8") == "released"
    assert set(engine.started) == {
        "prepare/photos",
        "infer/taken/photos",
        "infer/errnet2019/photos",
        "explain/network",
        "release/taken",
        "release/errnet2019",
    }


@pytest.mark.slow
def test_unknown_models_and_revisions_are_named(world: SimpleNamespace) -> None:
    means = ExecutionRequest(world.store, "auto", lambda _event: None, lambda _text: None)
    with pytest.raises(SpecError, match="run 'first@1' has no model 'ibcln2020'; it has: errnet2019, taken"):
        export_model("first@1/ibcln2020", world.folder, means)
    with pytest.raises(SpecError, match="no revision 3"):
        export_model("first@3/taken", world.folder, means)
    with pytest.raises(SpecError, match="'first' is neither RUN/MODEL nor a program"):
        remove_reflections(
            Removal((world.home / "holiday" / "a.png",), "first", world.folder, world.store),
            lambda _event: None,
            lambda _text: None,
        )


@pytest.mark.slow
def test_document_tells_what_the_command_line_said_by_name(world: SimpleNamespace) -> None:
    said = run_document(Store(world.store), run_reference("first")).overrides
    assert (said.data, said.photos) == ("data", ("holiday",))
