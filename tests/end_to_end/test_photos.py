"""A user's photographs through the command line: depth, kind, orientation, profile and transparency stay."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import tifffile
from onnx import helper
from PIL import Image

from tests.end_to_end.test_adopt import written
from tests.photos.photo_files import png_profile, profile, read_png, values, write, write_tiff

pytestmark = [pytest.mark.environment, pytest.mark.slow]

HEIGHT, WIDTH = 61, 84


@pytest.fixture
def halving(tmp_path: Path) -> Path:
    """A network whose layers are both half of the picture."""
    nodes = [
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Mul", ["image", "half"], ["transmission"]),
        helper.make_node("Sub", ["image", "transmission"], ["reflection"]),
    ]
    picture = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, "height", "width"))
    answers = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("transmission", "reflection")
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "halving", [picture], answers),
        opset_imports=[helper.make_opsetid("", 16)],
        ir_version=8,
    )
    onnx.save(model, str(tmp_path / "halving.onnx"))
    return tmp_path / "halving.onnx"


def test_a_tiff_of_16_bits_on_its_side_comes_back_upright_with_its_transparency(local_program, halving, tmp_path):
    wide = profile("Wide gamut")
    stored = values(16, 4, HEIGHT, WIDTH)
    photo = write_tiff(tmp_path / "holiday.tif", stored, 6, wide)
    local_program("build", "inference", "--engine", "local")
    out = tmp_path / "results"
    local_program("infer", photo, "--onnx", halving, "--out", out, "--engine", "local")
    upright = np.rot90(stored, -1)
    assert sorted(path.name for path in out.iterdir()) == ["holiday-reflection.tif", "holiday.tif"]
    for name in ("holiday.tif", "holiday-reflection.tif"):
        with tifffile.TiffFile(out / name) as opened:
            page = opened.pages[0]
            found, tags = page.asarray(), page.tags
            assert tags["Orientation"].value == 1
            assert tags["InterColorProfile"].value == wide
            assert page.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        assert (found.dtype, found.shape) == (np.uint16, (WIDTH, HEIGHT, 4))
        assert np.array_equal(found[..., 3], upright[..., 3])
        assert np.abs(found[..., :3].astype(float) - upright[..., :3] / 2).max() <= 0.5001


def test_every_other_photograph_comes_back_as_a_png_of_its_depth(local_program, halving, tmp_path):
    wide = profile("Wide gamut")
    photos = {
        "deep": write(tmp_path / "deep.png", values(16, 3, HEIGHT, WIDTH), 8, wide),
        "clear": write(tmp_path / "clear.png", values(8, 4, HEIGHT, WIDTH)),
        "grey": write(tmp_path / "grey.png", values(16, 1, HEIGHT, WIDTH)),
    }
    Image.fromarray(values(8, 3, HEIGHT, WIDTH)).save(tmp_path / "plain.jpg")
    local_program("build", "inference", "--engine", "local")
    out = tmp_path / "results"
    given = [*photos.values(), tmp_path / "plain.jpg"]
    local_program("infer", *given, "--onnx", halving, "--out", out, "--engine", "local")
    found = {name: read_png(out / f"{name}.png") for name in (*photos, "plain")}
    forms = {name: (pixels.dtype, pixels.shape) for name, pixels in found.items()}
    assert forms == {
        "deep": (np.uint16, (WIDTH, HEIGHT, 3)),
        "clear": (np.uint8, (HEIGHT, WIDTH, 4)),
        "grey": (np.uint16, (HEIGHT, WIDTH, 3)),
        "plain": (np.uint8, (HEIGHT, WIDTH, 3)),
    }
    assert png_profile(out / "deep.png") == wide
    assert np.array_equal(found["clear"][..., 3], values(8, 4, HEIGHT, WIDTH)[..., 3])
    assert np.abs(found["deep"] - np.rot90(values(16, 3, HEIGHT, WIDTH), 1) / 2).max() <= 0.5001


def test_without_a_model_faint_edges_go_and_what_the_photographs_hold_stays(local_program, tmp_path):
    wide = profile("Wide gamut")
    stored = values(16, 4, HEIGHT, WIDTH)
    given = [
        write_tiff(tmp_path / "holiday.tif", stored, 6, wide),
        write(tmp_path / "faint.png", values(16, 3, HEIGHT, WIDTH) // 64, 8, wide),
        write(tmp_path / "clear.png", values(8, 4, HEIGHT, WIDTH)),
    ]
    before = [path.read_bytes() for path in given]
    local_program("build", "inference", "yang2019", "--engine", "local")
    out = tmp_path / "results"
    said = local_program("remove", *given, "--out", out, "--engine", "local")
    assert "no --model is named: taken is yang2019" in " ".join(said.split())
    assert [path.read_bytes() for path in given] == before
    assert sorted(path.name for path in out.iterdir()) == ["clear.png", "faint.png", "holiday.tif"]
    with tifffile.TiffFile(out / "holiday.tif") as opened:
        page = opened.pages[0]
        found = page.asarray()
        assert page.tags["InterColorProfile"].value == wide
    assert (found.dtype, found.shape) == (np.uint16, (WIDTH, HEIGHT, 4))
    assert np.array_equal(found[..., 3], np.rot90(stored, -1)[..., 3])
    assert len(np.unique(found[..., :3] & 0xFF)) > 100, "values have more than 8 bits"
    faint = read_png(out / "faint.png")
    assert (faint.dtype, faint.shape, png_profile(out / "faint.png")) == (np.uint16, (WIDTH, HEIGHT, 3), wide)
    assert np.ptp(faint.reshape(-1, 3), axis=0).max() < 64, "edges below the threshold go; those given have 1023"
    clear = read_png(out / "clear.png")
    assert np.array_equal(clear[..., 3], values(8, 4, HEIGHT, WIDTH)[..., 3])


def test_remove_takes_a_reflection_out_of_a_tiff_with_transparency(local_program, image_python, tmp_path):
    checkpoint = written("ibcln2020", tmp_path / "checkpoint", image_python("ibcln2020"))
    options = ("--engine", "local")
    local_program("build", "ibcln2020", "inference", *options)
    local_program("adopt", "ibcln2020", checkpoint, "--name", "photos-ibcln2020", "--features", "random", *options)
    stored = values(16, 4, HEIGHT, WIDTH)
    photo = write_tiff(tmp_path / "holiday.tif", stored, 6)
    out = tmp_path / "results"
    model = "photos-ibcln2020/photos-ibcln2020"
    local_program("remove", photo, "--model", model, "--reflection", "--out", out, *options)
    for name in ("holiday.tif", "holiday-reflection.tif"):
        found = tifffile.imread(out / name)
        assert (found.dtype, found.shape) == (np.uint16, (WIDTH, HEIGHT, 4))
        assert np.array_equal(found[..., 3], np.rot90(stored, -1)[..., 3])
        assert len(np.unique(found[..., :3] & 0xFF)) > 100, "values have more than 8 bits"
