"""Authors' programs as entrants: what an experiment says of them, and every way in which it can be wrong."""

import os

import pytest

from orchestrator.errors import SpecError
from orchestrator.execute.sources import source_digest
from orchestrator.plan.answers import CLONE
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from orchestrator.store.store import Store

HEAD = "name: first\nfeatures: random\ntest: [skimage-test]\n"
COMMAND = "python test.py --dataroot {input} --results {output}"


@pytest.fixture
def resolved(tmp_path):
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "test.py").write_text("print()")
    (tmp_path / "weights.pt").write_bytes(b"weights")

    def load(program=None, **fields):
        told = {"image": "yang2019", "source": "clone", "command": COMMAND, **(program or {})}
        told = {name: value for name, value in told.items() if value is not None}
        path = tmp_path / "spec.yaml"
        words = ", ".join(f"{name}: '{value}'" for name, value in told.items())
        more = "".join(f", {name}: '{value}'" for name, value in fields.items())
        path.write_text(f"{HEAD}models: [{{name: theirs, program: {{{words}}}{more}}}]\n")
        return resolve(load_experiment(path), path)

    return load


def test_paths_start_at_the_experiment(resolved, tmp_path):
    command = COMMAND + " --load {weights} --device {device} {source}"
    (found,) = resolved({"weights": "weights.pt", "command": command}, title="Theirs").authors
    assert (found.label, found.title) == ("theirs", "Theirs")
    assert (found.source, found.weights) == (tmp_path / "clone", tmp_path / "weights.pt")
    assert resolved(pictures="results/*/{id}_fake_B.png").authors[0].choice.pictures is not None


@pytest.mark.parametrize("rest", ["${x}", "{{x}}", "{}", "{a b}", "${output}", "${x:-{{y}}}"])
def test_braces_of_a_shell_or_a_language_are_no_names(resolved, rest):
    (found,) = resolved({"command": f"{COMMAND} {rest}"}).authors
    assert found.choice.program.command.endswith(rest)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ({"image": "torch"}, "there is no image 'torch'; there are"),
        ({"image": "yang2018"}, "did you mean 'yang2019'?"),
        ({"source": "nowhere"}, "nowhere' is not there"),
        ({"source": "weights.pt"}, "weights.pt' is no folder"),
        ({"source": None}, "'source'"),
        ({"command": "python test.py"}, "the command does not name {input}: it would see no picture"),
        ({"command": "run {inputs}"}, "names {inputs}, which is nothing; did you mean 'input'?"),
        ({"command": "run ${input}"}, "the command does not name {input}"),
        ({"command": "run {{input}}"}, "the command does not name {input}"),
        ({"command": "run {input} {x}"}, "where braces are meant themselves, write {{x}}"),
        ({"command": 'run "{input}'}, "cannot be split into words: No closing quotation"),
        ({"command": " "}, "the command is empty"),
        ({"command": "run {input} {weights}"}, "names {weights}, and ''weights'' is missing".replace("''", "'")),
        ({"weights": "weights.pt"}, "does not name {weights}"),
        ({"weights": "gone.pt", "command": "run {input} {weights}"}, "gone.pt' are not there"),
        ({"parameters": "1"}, "unknown field 'parameters'"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(resolved, program, words):
    with pytest.raises(SpecError) as caught:
        resolved(program)
    said = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert words in said
    assert "spec.yaml:4:" in said
    assert caught.value.hint


def test_a_pattern_and_a_layer_exclude_each_other(resolved):
    with pytest.raises(SpecError, match="'pictures' stands alone"):
        resolved(pictures="{id}.png", layer="t")


@pytest.mark.parametrize("target", ["../weights.pt", "/etc", "sub"])
def test_links_that_a_copy_would_not_hold_are_refused(resolved, tmp_path, target):
    (tmp_path / "clone" / "sub").mkdir()
    os.symlink(target, tmp_path / "clone" / "weights")
    with pytest.raises(SpecError, match="a link that leads out of it or to a folder: weights"):
        resolved()


def test_links_inside_and_those_of_version_control_are_no_matter(resolved, tmp_path):
    os.symlink("test.py", tmp_path / "clone" / "main.py")
    (tmp_path / "clone" / ".git").mkdir()
    os.symlink("/etc", tmp_path / "clone" / ".git" / "outside")
    assert resolved().authors


def test_the_digest_is_of_what_decides(resolved, tmp_path):
    digest, clone = source_digest(Store(tmp_path / "store")), tmp_path / "clone"
    first = digest(clone, CLONE)
    for name in (".git", "__pycache__"):
        (clone / name).mkdir()
        (clone / name / "file").write_text("changes")
    assert digest(clone, CLONE) == first
    moved = clone.rename(tmp_path / "moved")
    assert digest(moved, CLONE) == first
    (moved / "test.py").write_text("print(1)")
    assert digest(moved, CLONE) != first
