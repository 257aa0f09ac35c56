"""Programs as entrants: their parameters, and every way in which an experiment can be wrong about them."""

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.library import load_image, load_program_spec, program_spec_names
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve

HEAD = "name: first\nfeatures: random\ntest: [skimage-test]\n"


@pytest.fixture
def resolved(tmp_path):
    def load(models):
        path = tmp_path / "spec.yaml"
        path.write_text(f"{HEAD}models: {models}\n")
        return resolve(load_experiment(path), path)

    return load


@pytest.mark.parametrize("name", program_spec_names())
def test_every_program_has_an_image_that_predicts_on_every_device(name):
    image = load_image(load_program_spec(name).image)
    assert "predict" in image.kinds
    assert {"cpu", "cuda"} <= image.variants.keys()


def test_parameters_are_the_papers_but_for_those_that_are_given(resolved):
    first, second = resolved(
        "[{program: yang2019}, {program: yang2019, name: more, parameters: {threshold: 0.1}}]"
    ).programs
    assert (first.label, dict(first.parameters), first.overrides) == ("yang2019", {"threshold": 0.033}, {})
    assert (second.label, dict(second.parameters)) == ("more", {"threshold": 0.1})
    assert second.overrides == {"threshold": (0.033, 0.1)}


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("[{program: yang2018}]", "there is no program 'yang2018'; did you mean 'yang2019'?"),
        (
            "[{program: yang2019, parameters: {treshold: 1}}]",
            "takes no parameter 'treshold'; did you mean 'threshold'?",
        ),
        ("[{program: yang2019, parameters: {threshold: 2}}]", "threshold must be from 0 to 1, not 2"),
        ("[{program: yang2019, parameters: {threshold: true}}]", "must be a number, not true"),
        ("[{program: yang2019, parameters: {threshold: '0.1'}}]", "must be a number, not '0.1'"),
        ("[{program: yang2019, parameters: {threshold: .nan}}]", "must be a finite number"),
        ("[{program: yang2019}, {program: yang2019}]", "two models are called 'yang2019'"),
        ("[{program: yang2019, seed: 3}]", "unknown field 'seed'"),
        ("[{model: yang2019}]", "'yang2019' is a program, and no model: write {program: yang2019}"),
        ("[yang2019]", "'yang2019' is a program"),
        ("[{program: errnet2019}]", "that is a model; write {model: errnet2019}"),
    ],
)
def test_wrong_programs_are_refused_with_their_place(resolved, models, words):
    with pytest.raises(SpecError) as caught:
        resolved(models)
    said = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert words in said
    assert "spec.yaml:4:" in said


def test_a_program_in_the_place_of_a_model_is_one_mistake(resolved):
    with pytest.raises(SpecError) as caught:
        resolved("[yang2019]")
    assert "neither trained nor adopted" not in caught.value.message
