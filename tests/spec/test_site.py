"""The file of a site: what it says for a kind of stage, where it is found, and what is said of mistakes in it."""

from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.site import Site, load_site, site_file

FULL = """\
where: slurm
partition: gpu
account: lab
time: "24:00:00"
walls: bubblewrap
submit:
  train: {gpu: "gpu:a100:1", processors: 8, options: [--qos=long]}
  infer: {time: "60", partition: short}
infer_from_pictures: 20
else: {where: here}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text)
    return path


def test_a_kind_asks_for_what_is_its_own_and_else_for_what_the_site_says(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, FULL))
    train, infer = site.demand("train"), site.demand("infer")
    assert (train.partition, train.account, train.time, train.gpu, train.processors, train.options) == (
        "gpu",
        "lab",
        "24:00:00",
        "gpu:a100:1",
        8,
        ("--qos=long",),
    )
    assert (infer.partition, infer.account, infer.time, infer.gpu) == ("short", "lab", "60", None)


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n"])
def test_an_empty_file_is_told_what_a_site_begins_with(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_site(written(tmp_path, text))
    assert "where: here, or where: slurm" in str(refused.value.hint or refused.value.message)
    assert "models" not in f"{refused.value.message} {refused.value.hint}"


def test_trainings_and_inferences_are_submitted_where_nothing_else_is_said() -> None:
    assert list(Site(where="slurm").submit) == ["train", "infer"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("partion: gpu", "unknown field 'partion'; did you mean 'partition'?", id="field"),
        pytest.param("els: {where: here}", "did you mean 'else'?", id="else"),
        pytest.param("walls: bubblwrap", "did you mean 'bubblewrap'?", id="walls"),
        pytest.param("time: 60", 'write it in quotes: "60"', id="time"),
        pytest.param("time: tomorrow", "does not have the form", id="words"),
        pytest.param("submit: {trian: {}}", "trian", id="kind"),
        pytest.param("options: [rm -rf /]", "does not have the form", id="option"),
        pytest.param("else: {where: slurm}", "else.where must be 'here'", id="rest"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_column(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_site(written(tmp_path, f"where: slurm\n{line}\n"))
    told = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert words in told
    assert "site.yaml:2:" in told


def test_the_file_that_is_named_counts_before_the_user_s_own(tmp_path: Path) -> None:
    own = tmp_path / "sirr-orch" / "site.yaml"
    assert site_file({"XDG_CONFIG_HOME": str(tmp_path)}) is None
    own.parent.mkdir()
    own.write_text("where: here\n")
    assert site_file({"XDG_CONFIG_HOME": str(tmp_path)}) == own
    assert site_file({"XDG_CONFIG_HOME": str(tmp_path), "SIRR_SITE": "/x/y.yaml"}) == Path("/x/y.yaml")
