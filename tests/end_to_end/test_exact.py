"""Tiles give the result of the whole picture: all three networks, in memory that forces tiles."""

import numpy as np
import pytest

from netkit.seeded import seeded_image
from tests.end_to_end.test_adopt import written

pytestmark = [pytest.mark.environment, pytest.mark.slow]

HEIGHT, WIDTH = 203, 294
OF_RANGE = 2e-5
SHARE_OFF = {"zhang2018": 1e-3, "errnet2019": 1e-4, "ibcln2020": 0.0}
"""Largest share of 8-bit values that may differ, by one step."""
MEMORY = {"zhang2018": "570MiB", "errnet2019": "890MiB", "ibcln2020": "710MiB"}


@pytest.mark.parametrize("network", list(SHARE_OFF))
def test_a_picture_in_tiles_is_the_whole_picture(network, local_program, image_python, tmp_path):
    checkpoint = written(network, tmp_path / "checkpoint", image_python(network))
    options = ("--engine", "local")
    local_program("build", network, "inference", *options)
    local_program("adopt", network, checkpoint, "--name", f"tiled-{network}", "--features", "random", *options)
    picture = tmp_path / "picture.npy"
    np.save(picture, seeded_image("tiles", HEIGHT, WIDTH))
    common = ("infer", picture, "--model", f"tiled-{network}/tiled-{network}", "--arrays", *options)
    explained = local_program(*common, "--explain", "--memory", MEMORY[network])
    assert "every node is exact" in explained
    assert len([line for line in explained.splitlines() if " x " in line]) > 2, "more than one segment"
    local_program(*common, "--out", tmp_path / "whole", "--whole")
    local_program(*common, "--out", tmp_path / "tiles", "--memory", MEMORY[network])
    outputs = sorted((tmp_path / "whole").glob("picture.*.npy"))
    assert len(outputs) == {"zhang2018": 2, "errnet2019": 1, "ibcln2020": 6}[network]
    for path in outputs:
        whole, tiles = np.load(path), np.load(tmp_path / "tiles" / path.name)
        if network == "ibcln2020":
            assert np.array_equal(whole, tiles), path.name
        assert np.abs(whole - tiles).max() <= OF_RANGE * (whole.max() - whole.min()), path.name
        steps = np.abs(as_bytes(whole) - as_bytes(tiles))
        assert steps.max() <= 1
        assert (steps > 0).mean() <= SHARE_OFF[network], path.name


def as_bytes(values):
    """Return values as an 8-bit picture has them, signed, to subtract."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.int16)
