"""Names that come out of files never lead out of their folder."""

import pytest

from orchestrator.inside import path_inside


@pytest.mark.parametrize("name", ["a", "a/b.png", ".hidden", "a b/ü", "a\\b", "..a/b"])
def test_plain_names_lie_inside(tmp_path, name):
    assert path_inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/../../b", "a/../b", "/etc/passwd", "//a", "a//b", "a/", "./a", "a/./b", "a\0b"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="no path inside a folder"):
        path_inside(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "in").symlink_to(folder)
    with pytest.raises(ValueError, match="leads outside"):
        path_inside(folder, "out/a")
    assert path_inside(folder, "in/a") == folder / "in" / "a"
