"""A network's weights are found in the usual wrappers and behind the usual prefixes, and never guessed."""

import time

import numpy as np
import pytest

from netkit.network_weights import differences, network_weights
from netkit.tensor_file import TensorFile
from stagekit import BadInput
from tests.netkit.torch_like import Lying, zipped

SHAPES = {"conv.weight": (2, 3), "conv.bias": (2,)}


def weights(begin="", first=0.0):
    """Return fitting tensors; the first number tells them apart."""
    values = {name: np.full(shape, first, np.float32) for name, shape in SHAPES.items()}
    return {begin + name: Lying(f"{begin}{name}{first}", value) for name, value in values.items()}


ADAM = {"state": {0: {"exp_avg": Lying("m", np.zeros((2, 3), np.float32))}}, "param_groups": [{"lr": 1e-4}]}


@pytest.fixture
def found(tmp_path):
    """Return a function that looks for the network in a file; it returns the entry, the notes, one number."""

    def look(content, entry=None):
        with TensorFile(str(zipped(tmp_path / "a.pt", content))) as file:
            taken = network_weights(file, SHAPES, entry=entry)
            assert list(taken.tensors) == list(SHAPES)
            return taken.entry, " | ".join(taken.notes), float(file.numbers(taken.tensors["conv.bias"])[0])

    return look


@pytest.mark.parametrize(
    ("content", "entry", "said"),
    [
        pytest.param(weights(), "", (), id="plain"),
        pytest.param({"state_dict": weights(), "epoch": 3}, "state_dict", ("entry 'state_dict'",), id="state_dict"),
        pytest.param({"a": {"b": weights()}}, "a.b", ("entry 'a.b'",), id="nested"),
        pytest.param(weights("module."), "", ("'module.' was left out", "several GPUs"), id="data-parallel"),
        pytest.param({"icnn": weights("module.")}, "icnn", ("entry 'icnn'", "'module.'"), id="both"),
        pytest.param(weights("_orig_mod."), "", ("compiled",), id="compiled"),
        pytest.param(weights("netG."), "netG", ("entry 'netG'",), id="part-of-a-model"),
        pytest.param(
            {"icnn": weights(), "opt_g": ADAM}, "icnn", ("optimiser's state was left out: 'opt_g'",), id="adam"
        ),
        pytest.param(
            {"icnn": weights(), "netD": {"w": Lying("d", np.zeros(3, np.float32))}},
            "icnn",
            ("does not use it: 'netD' (1 tensor)",),
            id="discriminator",
        ),
    ],
)
def test_weights_are_found_and_what_was_done_is_said(found, content, entry, said):
    taken, notes, number = found(content)
    assert (taken, number) == (entry, 0.0)
    assert [part for part in said if part not in notes] == []


def test_of_two_fitting_entries_one_must_be_chosen(found):
    content = {"params": weights(first=1.0), "params_ema": weights(first=2.0)}
    with pytest.raises(BadInput, match=r"2 sets of weights .* 'params', 'params_ema'") as caught:
        found(content)
    assert "--entry params" in caught.value.hint
    assert found(content, "params_ema")[0::2] == ("params_ema", 2.0)
    assert found(content, "params")[0::2] == ("params", 1.0)
    with pytest.raises(BadInput, match="no entry 'parms'") as caught:
        found(content, "parms")
    assert "'params', 'params_ema'" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param({"opt_g": ADAM, "epoch": 60}, "the state of an optimiser and no weights", id="optimiser"),
        pytest.param({"w": Lying("d", np.zeros(3))}, "none of its 2 tensors is there, but for example w", id="other"),
        pytest.param({"epoch": 60}, "does not map names to tensors: it holds 'epoch'", id="no-tensor"),
        pytest.param([1, 2], "does not map names to tensors", id="list"),
        pytest.param({**weights(), "extra": Lying("x", np.zeros(1))}, "not part of it: extra", id="extra"),
        pytest.param({"a": {"conv.bias": Lying("x", np.zeros(2))}}, "'a'.*missing: conv.weight", id="missing"),
        pytest.param(
            {**weights(), "conv.bias": Lying("x", np.zeros((2, 2)))}, "conv.bias is 2 x 2 and should be 2", id="shape"
        ),
        pytest.param(weights(first=np.nan), "not finite: conv.weight, conv.bias", id="nan"),
    ],
)
def test_what_does_not_fit_is_named(found, content, said):
    with pytest.raises(BadInput, match=said):
        found(content)


def test_every_difference_is_named():
    shapes = {"a": (2,), "b": (2, 3), "c": ()}
    tensors = {"a": np.zeros(2), "b": np.zeros((3, 2)), "d": np.zeros(1)}
    said = ["missing: c", "not part of it: d", "misshapen: b is 3 x 2 and should be 2 x 3"]
    assert differences(shapes, tensors) == said


def test_long_names_and_many_prefixes_take_no_longer_than_they_are_read(found):
    begun = time.process_time()
    content = {"a." * 100_000 + "conv.bias": Lying("x", np.zeros(2))}
    content.update({f"p{number}.conv.bias": Lying("x", np.zeros(2)) for number in range(5_000)})
    with pytest.raises(BadInput, match="missing: conv"):
        found(content)
    assert time.process_time() - begun < 10
