"""Released checkpoints, filled with stand-in weights, reproduce the authors' numbers through the command line alone."""

import functools
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from netkit.seeded import seeded_image
from tests.end_to_end.conftest import ROOT, Program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

PARITY = ROOT / "tests" / "parity"
TOLERANCE = 1e-4

OUTPUTS = {
    "zhang2018": {"transmission": "transmission", "reflection": "reflection"},
    "errnet2019": {"transmission": "transmission"},
    "ibcln2020": {
        "transmission": "transmission_3",
        "reflection": "reflection_3",
        **{f"{layer}_{step}": f"{layer}_{step}" for layer in ("transmission", "reflection") for step in (1, 2)},
    },
}
"""Exported output to the reference's name."""

WRITERS = {
    "errnet2019": """
import sys, torch
from errnet2019.network import Generator
from stand_in import filled
state = filled(Generator()).state_dict()
torch.save({"icnn": state, "opt_g": {"state": {}, "param_groups": []}, "epoch": 60, "iterations": 463920}, sys.argv[1])
""",
    "ibcln2020": """
import os, sys, torch
from stand_in import cascade
os.makedirs(sys.argv[1])
for name in ("G_T", "G_R"):
    torch.save(getattr(cascade(3), name).state_dict(), os.path.join(sys.argv[1], "final_net_%s.pth" % name))
""",
    "zhang2018": """
import sys
import tensorflow.compat.v1 as tf
from stand_in import filled
from zhang2018.parameters import discriminator_shapes, generator_shapes
tf.disable_eager_execution()
for name, value in filled({**generator_shapes(), **discriminator_shapes()}).items():
    tf.Variable(value, name=name)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(session, sys.argv[1] + "/model.ckpt")
""",
}
"""Programs that write a released checkpoint with the image's own framework, from the stand-in weights of its tests."""


def written(network: str, path: Path, python: Path) -> Path:
    """Write a released checkpoint and return its path."""
    folders = [ROOT, ROOT / "images", ROOT / "images" / network, ROOT / "images" / network / "tests"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([str(python), "-c", WRITERS[network], str(path)], env=environment, check=True)
    return path


@pytest.fixture
def program(request, engine):
    """The command, with local environments or with Docker."""
    return functools.partial(run_with, request.getfixturevalue(f"{engine}_program"))


def run_with(program: Program, *arguments: object) -> str:
    return program(*arguments, "--engine", program.engine)


@pytest.mark.parametrize(
    ("engine", "network"),
    [*(("local", network) for network in OUTPUTS), pytest.param("docker", "zhang2018", marks=pytest.mark.docker)],
)
def test_an_adopted_checkpoint_gives_the_authors_numbers(network, program, image_python, tmp_path):
    checkpoint = written(network, tmp_path / "checkpoint", image_python(network))
    program("build", network, "inference")
    program("adopt", network, checkpoint, "--name", f"stand-in-{network}", "--features", "random")
    model = f"stand-in-{network}/stand-in-{network}"
    program("export", model, "--out", tmp_path / "network")
    with np.load(PARITY / f"{network}.npz") as numbers:
        reference = dict(numbers)
    tags = sorted({key.split("/")[0] for key in reference if key.endswith(("/transmission", "/transmission_3"))})
    assert len(tags) >= 2
    for tag in tags:
        height, width = map(int, tag.split("_")[1].split("x"))
        np.save(tmp_path / f"{tag}.npy", as_fed(network, seeded_image(f"{tag}/input", height, width)))
    arrays = [tmp_path / f"{tag}.npy" for tag in tags]
    program("infer", *arrays, "--model", model, "--arrays", "--out", tmp_path / "by-model")
    onnx = tmp_path / "network" / "network.onnx"
    program("infer", *arrays, "--onnx", onnx, "--arrays", "--out", tmp_path / "by-file")
    for tag in tags:
        for output, name in OUTPUTS[network].items():
            expected = reference[f"{tag}/{name}"]
            found = np.load(tmp_path / "by-model" / f"{tag}.{output}.npy")
            assert np.array_equal(found, np.load(tmp_path / "by-file" / f"{tag}.{output}.npy"))
            found = as_fed(network, found)
            error = np.linalg.norm(found.astype(np.float64) - expected) / np.linalg.norm(expected)
            assert error < TOLERANCE, (tag, output)


def as_fed(network: str, picture: np.ndarray) -> np.ndarray:
    """Return a picture with the channels in the order of the reference: Zhang's program feeds blue, green, red."""
    return np.ascontiguousarray(picture[..., ::-1]) if network == "zhang2018" else picture


def test_a_released_model_can_be_adopted_again(local_program, image_python, tmp_path):
    checkpoint = written("ibcln2020", tmp_path / "checkpoint", image_python("ibcln2020"))
    options = ("--features", "random", "--build", "--engine", "local")
    local_program("adopt", "ibcln2020", checkpoint, "--name", "first", *options)
    local_program("release", "first/first", "--out", tmp_path / "released", "--engine", "local")
    local_program("adopt", "ibcln2020", tmp_path / "released", "--name", "second", *options)
    first, second = (local_program.output(name, f"adopt/{name}") / "weights.pt" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_checkpoint_of_another_network_is_refused_by_name(local_program, image_python, tmp_path):
    checkpoint = written("errnet2019", tmp_path / "checkpoint", image_python("errnet2019"))
    options = ("--features", "random", "--build", "--engine", "local")
    said = local_program("adopt", "ibcln2020", checkpoint, *options, code=10)
    assert "none of its" in said
