"""Pictures that are trained on and tested on are found: copied, cropped, scaled, compressed anew; others are not."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from orchestrator.datasets.overlap_search import LayerFile, find_overlaps, pixel_hash
from orchestrator.datasets.overlap_stage import OverlapComparison, compare_datasets
from orchestrator.datasets.turns import TURNS
from orchestrator.datasets.windows import WHOLE, shape_of, small_grey, whole_description, window_rectangles
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile, DatasetItem
from tests.datasets.conftest import gradient, save

PACKAGED = Path(skimage.__file__).parent / "data"


def quiet(_done, _total):
    """Hear nothing of the progress."""


@pytest.fixture(scope="module")
def photographs():
    """Real photographs by name, a few hundred pixels wide."""
    names = {"astronaut": (0, 0, 512, 512), "coffee": (0, 0, 600, 400), "chelsea": (0, 0, 451, 300)}
    return {name: Image.open(PACKAGED / f"{name}.png").convert("RGB").crop(box) for name, box in names.items()}


@pytest.fixture
def layers(tmp_path):
    """Return a function that saves pictures by scene as the blended layers of a dataset."""

    def saved(dataset, pictures):
        found = []
        for scene, picture in pictures.items():
            path = tmp_path / f"{dataset}-{scene}.png"
            picture.save(path)
            found.append(LayerFile(dataset, scene, "blended", path))
        return found

    return saved


def compressed(picture, quality):
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


CHANGES = [
    pytest.param(lambda picture: picture.copy(), "same pixels", id="copied"),
    pytest.param(lambda picture: compressed(picture, 40), "near-duplicate", id="compressed"),
    pytest.param(lambda picture: picture.resize((173, 131)), "near-duplicate", id="squeezed"),
    pytest.param(lambda picture: picture.reduce(2), "near-duplicate", id="smaller"),
    pytest.param(
        lambda picture: compressed(picture.crop((100, 40, 340, 280)), 70), "near-duplicate", id="cropped-compressed"
    ),
    pytest.param(
        lambda picture: picture.crop((90, 30, 400, 290)).resize((217, 182)), "near-duplicate", id="cropped-scaled"
    ),
]


@pytest.mark.parametrize(("change", "kind"), CHANGES)
def test_changed_copy_is_traced_to_its_photograph_and_to_no_other(photographs, layers, change, kind):
    train = layers("train", photographs)
    test = layers("test", {"copy": change(photographs["coffee"])})
    found = find_overlaps(train, test, quiet)
    assert [(overlap.train_scene, overlap.test_scene, overlap.kind) for overlap in found] == [("coffee", "copy", kind)]


TURNED = [pytest.param(turn, id=f"{turn.words} {turn.direction}".strip()) for turn in TURNS[1:]]


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("train_holds", [True, False], ids=["in-train", "in-test"])
def test_copy_that_lies_in_another_way_is_traced_to_its_photograph(photographs, layers, turn, train_holds):
    changed = {"copy": turn.picture(photographs["coffee"].crop((90, 30, 400, 290)).resize((217, 182)))}
    train, test = (photographs, changed) if train_holds else (changed, photographs)
    found = find_overlaps(layers("train", train), layers("test", test), quiet)
    assert [{overlap.train_scene, overlap.test_scene} for overlap in found] == [{"coffee", "copy"}]
    assert found[0].layers == (f"blended = blended {turn.words}",)


@pytest.mark.parametrize("turn", TURNED)
def test_description_of_a_turned_picture_is_known_from_the_picture(photographs, turn):
    picture = photographs["chelsea"]
    known = turn.descriptions(whole_description(small_grey(picture))[None])[0]
    turned = turn.picture(picture)
    assert known @ whole_description(small_grey(turned)) > 0.995
    assert turn.shape(shape_of(picture.height, picture.width)) == shape_of(turned.height, turned.width)


def test_copy_that_lies_as_its_photograph_is_not_called_turned(photographs, layers):
    both = Image.new("RGB", (400, 300))  # the same from left and right, but for what is in its middle
    half = photographs["coffee"].crop((0, 0, 200, 300))
    both.paste(half, (0, 0))
    both.paste(half.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (200, 0))
    both.paste(photographs["chelsea"].crop((50, 50, 170, 130)), (100, 100))
    found = find_overlaps(layers("train", {"a": both}), layers("test", {"a": compressed(both, 60)}), quiet)
    assert [overlap.layers for overlap in found] == [("blended = blended",)]


@pytest.mark.parametrize(("change", "kind"), CHANGES[1:])
def test_it_is_found_the_other_way_round_too(photographs, layers, change, kind):
    train = layers("train", {"copy": change(photographs["coffee"])})
    found = find_overlaps(train, layers("test", photographs), quiet)
    assert [(overlap.train_scene, overlap.test_scene, overlap.kind) for overlap in found] == [("copy", "coffee", kind)]


def test_different_photographs_of_the_package_do_not_overlap(photographs, layers):
    pictures = list(photographs.items())
    assert find_overlaps(layers("train", dict(pictures[:1])), layers("test", dict(pictures[1:])), quiet) == []


@pytest.mark.parametrize("flat", [np.full((64, 64, 3), 90, np.uint8), gradient(64, 80)], ids=["plain", "ramp"])
def test_pictures_without_detail_are_the_same_only_where_every_pixel_is(layers, flat):
    other = np.clip(flat.astype(int) + 1, 0, 255).astype(np.uint8)
    train = layers("train", {"a": Image.fromarray(flat)})
    test = layers("test", {"same": Image.fromarray(flat), "other": Image.fromarray(other)})
    assert [(found.test_scene, found.kind) for found in find_overlaps(train, test, quiet)] == [("same", "same pixels")]


def test_photograph_of_sixteen_bits_is_known_by_its_upper_eight(photographs, tmp_path, layers):
    pixels = np.asarray(photographs["coffee"].convert("L"))
    deep = tmp_path / "deep.png"
    Image.fromarray(pixels.astype(np.uint16) * 256 + 17).save(deep)
    train = layers("train", {"coffee": Image.fromarray(pixels), "chelsea": photographs["chelsea"]})
    found = find_overlaps(train, [LayerFile("test", "deep", "blended", deep)], quiet)
    assert [(overlap.train_scene, overlap.kind) for overlap in found] == [("coffee", "same pixels")]


def test_pixels_count_and_not_the_file_they_came_from(tmp_path):
    pixels = gradient(31, 40)
    png, bmp = save(tmp_path / "a.png", pixels), save(tmp_path / "a.bmp", pixels)
    hashes = {pixel_hash(np.asarray(Image.open(path))) for path in (png, bmp)}
    assert len(hashes) == 1
    assert pixel_hash(pixels.reshape(40, 31, 3)) not in hashes


def test_whole_picture_is_its_first_window(photographs):
    grey = small_grey(photographs["coffee"])
    height, width = grey.shape
    first = window_rectangles(height, width, shape_of(height, width))[0]
    assert first.height == pytest.approx(WHOLE.height, abs=0.03)
    assert first.width == pytest.approx(WHOLE.width, abs=0.03)


def test_description_agrees_with_imagehash_on_what_is_alike(photographs):
    imagehash = pytest.importorskip("imagehash")
    pictures = list(photographs.values())
    smaller = [picture.reduce(2) for picture in pictures]
    for number, picture in enumerate(pictures):
        ours = [float(whole_description(small_grey(picture)) @ whole_description(small_grey(crop))) for crop in smaller]
        theirs = [imagehash.phash(picture) - imagehash.phash(crop) for crop in smaller]
        assert int(np.argmax(ours)) == int(np.argmin(theirs)) == number


def dataset(folder, name, scenes):
    """Write a prepared dataset of pairs; scenes: id to (blended, transmission)."""
    items = []
    for scene, (blended, transmission) in scenes.items():
        save(folder / "blended" / f"{scene}.png", blended)
        save(folder / "transmission" / f"{scene}.png", transmission)
        paths = {layer: f"{layer}/{scene}.png" for layer in ("blended", "transmission")}
        items.append(DatasetItem(scene, *blended.shape[:2], **paths))
    DatasetFile(name, "pairs", tuple(items)).save(folder)
    return folder


@pytest.fixture
def leaking(tmp_path):
    """Return a function that compares a training and a test set which share one pair under two names."""
    rng = np.random.default_rng(3)

    def noise():
        return rng.integers(0, 255, (40, 52, 3), dtype=np.uint8)

    pair = (noise(), noise())
    train = dataset(tmp_path / "train", "real-train", {"76": (noise(), noise()), "77": pair})
    test = dataset(tmp_path / "test", "real-test", {"58": pair, "86": (noise(), noise())})

    def compared(action):
        output = tmp_path / action
        output.mkdir()
        heard = []
        compare_datasets(OverlapComparison({"real": train}, [test], action, output), quiet, heard.append, print)
        return json.loads((output / "overlap.json").read_text()), heard

    return compared


def test_overlap_stops_with_the_pairs_by_name_and_every_way_on(leaking):
    with pytest.raises(BadInput) as caught:
        leaking("stop")
    assert "1 training picture is also tested on: real-train 77 = real-test 58 (same pixels; " in str(caught.value)
    assert "blended = blended, transmission = transmission" in str(caught.value)
    assert "drop_overlap: true" in caught.value.hint
    assert "accept_overlap" in caught.value.hint


@pytest.mark.slow
def test_all_of_many_overlaps_are_named_in_the_log(tmp_path):
    rng = np.random.default_rng(5)
    pictures = {str(number): (rng.integers(0, 255, (16, 16, 3), np.uint8),) * 2 for number in range(20)}
    train, test = (dataset(tmp_path / name, name, pictures) for name in ("train", "test"))
    logged = []
    with pytest.raises(BadInput) as caught:
        compare_datasets(OverlapComparison({"real": train}, [test], "stop", tmp_path), quiet, print, logged.append)
    assert "; and 8 more, which the stage's log names" in caught.value.message
    assert len(logged) == 20
    assert logged[19].startswith("trained on and tested on: train 19 = test 19 (same pixels; ")


def test_accepted_overlap_is_kept_and_told(leaking):
    document, heard = leaking("accept")
    assert [(found["train_scene"], found["test_scene"]) for found in document["overlaps"]] == [("77", "58")]
    assert document["dropped"] == {"real": []}
    assert len(heard) == 1


def test_dropped_pictures_are_named_and_left_out_of_the_training(leaking, tmp_path):
    from netkit.sampling import Sources

    document, _ = leaking("drop")
    assert document["dropped"] == {"real": ["77"]}
    layers = tmp_path / "layers"
    for number in range(2):
        save(layers / "layers" / f"{number}.png", gradient())
    paths = [f"layers/{number}.png" for number in range(2)]
    items = [DatasetItem(path[7], 40, 52, transmission=path, reflection=path) for path in paths]
    DatasetFile("layers", "layers", tuple(items)).save(layers)
    folders = (str(layers), str(tmp_path / "train"))
    assert len(Sources.load(*folders).real) == 2
    kept = Sources.load(*folders, overlap=str(tmp_path / "drop")).real
    assert [Path(blended).stem for blended, _ in kept] == ["76"]


def test_what_is_no_prepared_dataset_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"dataset\.json is not what its stage declares"):
        compare_datasets(OverlapComparison({"real": tmp_path}, [tmp_path], "stop", tmp_path), quiet, print, print)
