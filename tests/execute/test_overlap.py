"""An experiment with a planted leak stops before anything is trained, unless it says why not."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.engine.protocol import Environment
from orchestrator.errors import InputInvalid, SpecError
from orchestrator.execute.comparison import plan_comparison
from orchestrator.execute.data import Reporter, add_set
from orchestrator.execute.experiment_run import run_experiment
from orchestrator.execute.stopper import Stopper
from orchestrator.spec.load import load_experiment
from orchestrator.store.store import Store
from tests.datasets.raw import trees
from tests.engine.fake import FakeEngine, Faults

ROOT = Path(__file__).parents[2]
REASON = "the published split has this pair on both sides"
SIZE = {"height": 72, "width": 96}


def written(context, files):
    for name, content in files.items():
        Path(context.output(name)).write_text(json.dumps(content), encoding="utf-8")


class Course:
    """An experiment whose datasets are prepared and compared for real; its trainings only look at what they got."""

    def __init__(self, folder):
        self.folder = folder
        self.trained_on = []
        self.store = Store(folder / "store")
        sys.path.insert(0, str(ROOT / "images" / "metrics"))
        try:
            from metrics_program.dataset_overlap import overlap
            from metrics_program.prepare_dataset import prepare
        finally:
            sys.path.pop(0)
        self.handlers = {"prepare": prepare, "overlap": overlap, "train": self.train, "export": self.fail}
        self.handlers |= {"evaluate": self.evaluate}

    def train(self, context):
        from netkit.sampling import Sources

        inputs = context.request.inputs
        sources = Sources.load(inputs["synthetic"], inputs.get("real"), overlap=inputs.get("overlap"))
        self.trained_on.append({Path(blended).stem for blended, _ in sources.real})
        counts = dict.fromkeys(("steps", "epochs", "samples", "seconds", "parameters"), 1)
        written(context, {"curves.json": {"steps": []}, "train.json": {**counts, "features": "random"}})

    def fail(self, context):
        raise RuntimeError("nothing is exported here")

    def evaluate(self, context):
        items = [{"id": "1", "psnr": 20.0}]
        head = {"model": "input", "dataset": "held-out", "protocol": "standard", "version": 1, "metrics": ["psnr"]}
        written(context, {"scores.json": {**head, "items": items}})

    def run(self, **wishes):
        lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in wishes.items())
        spec = self.folder / "leak.yaml"
        spec.write_text(
            "name: leak\nmodels: [errnet2019]\nfeatures: random\nmetrics: [psnr]\ntest: [held-out]\n"
            f"train: {{synthetic: street, real: shots}}\n{lines}"
        )
        comparison = plan_comparison(load_experiment(spec), spec, self.store)
        images = ("metrics", "errnet2019", "inference")
        return run_experiment(
            comparison,
            self.store,
            FakeEngine(self.handlers, Faults()),
            {name: Environment("local", name, "0" * 64, "python") for name in images},
            lambda _event: None,
            Stopper(),
        )


def compressed(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


LEAKS = {
    "58": (0, lambda picture: picture, "same pixels", ""),
    "59": (2, lambda picture: picture[6:68, 9:89], "near-duplicate", ""),
    "60": (2, compressed, "near-duplicate", ""),
    "61": (1, lambda picture: picture[:, ::-1], "near-duplicate", " mirrored"),
}
"""Test pictures that are training pictures, by name: the number of that, how it was changed, and what is said of it."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a function that plants training pairs 75, 76 and 77 among the test pairs, changed in some way."""
    with pytest.MonkeyPatch.context() as patch:

        def plant(leaks):
            folder = tmp_path_factory.mktemp("leak")
            patch.setenv("SIRR_DATA", str(folder / "data"))
            trees.folders(folder / "shots", ["75", "76", "77"], trees.PACK, **SIZE)
            for seed, name in enumerate(("56", "57"), 10):
                write_test_pair(folder, name, trees.triple(seed, height=70, width=90))
            for name, (number, change, *_) in leaks.items():
                layers = trees.triple(number, **SIZE).items()
                write_test_pair(folder, name, {layer: change(picture) for layer, picture in layers})
            for seed in (70, 71):
                trees.write(folder / "street" / f"{seed}.png", trees.pixels(seed, **SIZE))
            for name in ("shots", "held-out", "street"):
                add_set(folder / name, name, Reporter(), layers=name == "street")
            return Course(folder)

        yield plant


def write_test_pair(folder, name, layers):
    for layer, directory in trees.PACK.items():
        trees.write(folder / "held-out" / directory / f"{name}.png", layers[layer])


@pytest.fixture(scope="module")
def accepted(planted):
    """Return a course whose planted leak was accepted, and what came of its run."""
    course = planted({"58": (2, *LEAKS["58"][1:])})
    return course, course.run(accept_overlap=REASON)


@pytest.mark.slow
def test_planted_leaks_stop_the_run_before_the_training(planted):
    course = planted(LEAKS)
    result = course.run()
    error = result.failures["overlap"]
    assert isinstance(error, InputInvalid)
    for name, (number, _, kind, turned) in LEAKS.items():
        (said,) = re.findall(rf"shots {75 + number} = held-out {name} \((.*?)\)", error.message)
        assert said.startswith(kind)
        assert said.endswith(f"transmission = transmission{turned}")
    assert "drop_overlap: true" in error.hint
    assert result.error is error
    assert course.trained_on == []
    assert result.skipped["train/errnet2019"] == "overlap"
    assert result.skipped["infer/errnet2019/held-out"] == "overlap"


@pytest.mark.slow
def test_accepted_leak_goes_on_and_its_reason_stands_on_top(accepted):
    course, result = accepted
    assert course.trained_on[0] == {"75", "76", "77"}
    page = result.report.read_text(encoding="utf-8")
    assert "1 training picture also tested on" in page
    assert REASON in page


@pytest.mark.slow
def test_dropped_pictures_are_not_trained_on(accepted):
    course, _ = accepted
    result = course.run(drop_overlap=True)
    assert course.trained_on[-1] == {"75", "76"}
    assert "1 training picture left out of the training" in result.report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_an_accepting_run_left_is_not_shown_by_one_that_does_not_accept(accepted):
    course, _ = accepted
    trained = list(course.trained_on)
    result = course.run()
    assert "overlap" in result.failures
    training = (result.report.parent / "training.html").read_text(encoding="utf-8")
    assert "1 training picture is also tested on: shots 77 = held-out 58" in training
    assert course.trained_on == trained, "what is stored is not trained again"


def another_scene(picture):
    """Return a picture of the same size that shows nothing of it, however it is turned."""
    height, width, _ = picture.shape
    coarse = np.random.default_rng(58).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.slow
def test_without_a_leak_the_training_begins(planted):
    course = planted({"58": (2, another_scene)})
    result = course.run()
    assert "overlap" in result.made
    assert course.trained_on == [{"75", "76", "77"}]


def test_accepting_and_dropping_exclude_each_other(planted):
    course = planted({})
    with pytest.raises(SpecError, match="exclude each other"):
        course.run(accept_overlap=REASON, drop_overlap=True)
