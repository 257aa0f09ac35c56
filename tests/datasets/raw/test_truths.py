"""Truths of other scenes, mirrored, turned or with exchanged colours are found and named; good pairs are left alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.datasets.raw.dataset_checks import check_dataset
from orchestrator.datasets.truths import exchanged_truths, truth_trace
from orchestrator.execute.data import Reporter, add_set
from orchestrator.spec.prepared import prepared_folder
from tests.conftest import OPTIONAL
from tests.datasets.raw import trees

SIZE = {"height": 130, "width": 144}
TABLE2 = Path(__file__).parents[4] / "shared" / "ceilnet_table2"

CHANGES = [
    pytest.param(lambda truth: truth[:, ::-1], "is mirrored", id="mirrored"),
    pytest.param(lambda truth: truth[::-1], "is upside down", id="upside-down"),
    pytest.param(lambda truth: truth[::-1, ::-1], "is turned by 180 degrees", id="turned"),
    pytest.param(lambda truth: truth[..., ::-1], "has red and blue exchanged", id="red-and-blue"),
    pytest.param(lambda truth: truth[..., [0, 2, 1]], "has green and blue exchanged", id="green-and-blue"),
    pytest.param(lambda truth: truth[..., [1, 2, 0]], "has its colours in another order", id="colours"),
]


@pytest.fixture
def pack(tmp_path, data_home):
    """Four good pairs; tests spoil them."""
    return trees.folders(tmp_path / "office", ["1", "2", "3", "4"], trees.PACK, **SIZE)


def truths(pack):
    """Return what the check of truths finds, once the pack is added."""
    add_set(pack, "office", Reporter())
    findings = check_dataset(prepared_folder("office"), lambda *_: None)
    return next(finding for finding in findings if finding.check == "truths")


def test_good_pairs_are_left_alone(pack):
    finding = truths(pack)
    assert (finding.severity, finding.message) == ("ok", "4 transmissions belong to their blended pictures")


def test_exchanged_truths_are_named_with_the_scenes_that_they_show(pack):
    folder = pack / "transmission_layer"
    (folder / "1.png").rename(folder / "kept.png")
    (folder / "3.png").rename(folder / "1.png")
    (folder / "kept.png").rename(folder / "3.png")
    finding = truths(pack)
    assert (finding.severity, finding.scenes) == ("error", ("1", "3"))
    assert finding.message == (
        "2 of 4 transmissions do not belong to their blended pictures: that of 1 is the truth of 3; "
        "that of 3 is the truth of 1"
    )


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_changed_truth_is_named_with_what_was_done_to_it(pack, change, said):
    trees.write(
        pack / "transmission_layer" / "2.png", np.ascontiguousarray(change(trees.triple(1, **SIZE)["transmission"]))
    )
    finding = truths(pack)
    assert (finding.severity, finding.scenes) == ("error", ("2",))
    assert finding.message.endswith(f": that of 2 {said}")


def test_square_truth_that_is_turned_is_named():
    pair = trees.triple(3, height=128, width=128)
    right, left = (np.rot90(pair["transmission"], times) for times in (-1, 1))
    assert truth_trace(pair["blended"], right).fault == "is turned by 90 degrees to the right"
    assert truth_trace(pair["blended"], left).fault == "is turned by 90 degrees to the left"


def test_pictures_without_detail_or_too_small_tell_nothing():
    flat = np.full((130, 140, 3), 90, np.uint8)
    trace = truth_trace(flat, flat)
    assert (trace.belongs, trace.fault) == (False, "")
    assert exchanged_truths({"a": trace, "b": trace}) == {}
    assert truth_trace(flat[:40], flat[:40]) is None


def test_grey_pairs_have_no_order_of_colours():
    pair = {layer: np.repeat(pixels[..., :1], 3, axis=2) for layer, pixels in trees.triple(4, **SIZE).items()}
    assert truth_trace(pair["blended"], pair["transmission"]).belongs


@pytest.mark.slow
def test_no_pair_of_ceilnet_is_accused_and_nearly_every_changed_one_is_found():
    if not TABLE2.is_dir():
        pytest.skip(f"{OPTIONAL}no CEILNet table 2 in {TABLE2}")
    names = sorted(path.name.removesuffix("-input.png") for path in TABLE2.glob("*-input.png"))

    def read(name, layer):
        with Image.open(TABLE2 / f"{name}-{layer}.png") as picture:
            return np.asarray(picture.convert("RGB"))

    pairs = {name: (read(name, "input"), read(name, "label1")) for name in names}
    good = {name: truth_trace(*pair) for name, pair in pairs.items()}
    assert [name for name, trace in good.items() if not trace.belongs] == []
    others = dict(zip(names, names[1:] + names[:1], strict=True))
    moved = {name: truth_trace(pairs[name][0], pairs[other][1]) for name, other in others.items()}
    assert exchanged_truths(moved) == others
    for change in (lambda truth: truth[:, ::-1], lambda truth: truth[::-1]):
        assert all(truth_trace(seen, change(truth)).fault for seen, truth in pairs.values())
    swapped = [truth_trace(seen, truth[..., ::-1]).fault for seen, truth in pairs.values()]
    assert sum(fault == "has red and blue exchanged" for fault in swapped) >= 90


def test_pairs_of_a_spec_are_checked_when_they_are_prepared(prepare, source, tmp_path):
    made = trees.folders(tmp_path / "office", ["a", "b", "c"], trees.PACK, **SIZE)
    folder = made / "transmission_layer"
    (folder / "b.png").rename(folder / "kept.png")
    (folder / "c.png").rename(folder / "b.png")
    (folder / "kept.png").rename(folder / "c.png")
    made.rename(source / "pack")
    patterns = {"blended": "pack/blended/{id}.*", "transmission": "pack/transmission_layer/{id}.*"}
    assert prepare("pairs", **patterns).document["warnings"] == [
        "2 of 3 transmissions do not belong to their blended pictures: that of b is the truth of c; "
        "that of c is the truth of b"
    ]


def test_a_layer_that_is_the_blended_picture_itself_is_warned_of(prepare, source, tmp_path):
    made = trees.folders(tmp_path / "office", ["a", "b", "c"], trees.PACK, **SIZE)
    for name in ("a", "c"):
        (made / "transmission_layer" / f"{name}.png").write_bytes((made / "blended" / f"{name}.png").read_bytes())
    made.rename(source / "pack")
    patterns = {"blended": "pack/blended/{id}.*", "transmission": "pack/transmission_layer/{id}.*"}
    assert prepare("pairs", **patterns).document["warnings"] == [
        "blended picture and transmission are the same in 2 of 3 pairs: a, c"
    ]
