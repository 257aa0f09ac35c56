"""References to runs and models: one form, and a clear answer to every other."""

import pytest

from orchestrator.errors import SpecError
from orchestrator.store.reference import ModelReference, RunReference, model_reference, run_reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("quickstart", RunReference("quickstart"), id="latest"),
        pytest.param("quickstart@2", RunReference("quickstart", 2), id="revision"),
        pytest.param("a.b_c-1@12", RunReference("a.b_c-1", 12), id="all-letters"),
    ],
)
def test_run_reference(text, reference):
    assert run_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("first/errnet2019", ModelReference(RunReference("first"), "errnet2019"), id="latest"),
        pytest.param("first@3/zhang", ModelReference(RunReference("first", 3), "zhang"), id="revision"),
        pytest.param("first/zhang@5", ModelReference(RunReference("first"), "zhang@5"), id="after-an-epoch"),
    ],
)
def test_model_reference(text, reference):
    assert model_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("first@0", "'0' is no revision", id="zero"),
        pytest.param("first@", "'' is no revision", id="nothing"),
        pytest.param("first@two", "'two' is no revision", id="word"),
        pytest.param("first@1@2", "'1@2' is no revision", id="twice"),
        pytest.param("../first", "'../first' is no run's name", id="path"),
        pytest.param("/tmp/first", "'/tmp/first' is no run's name", id="absolute-path"),
        pytest.param("first@2/errnet2019@5", "names a model", id="model"),
        pytest.param("..", "is no run's name", id="folder-above"),
        pytest.param("", "is no run's name", id="empty"),
        pytest.param("First", "is no run's name", id="capital"),
    ],
)
def test_what_is_no_run_is_refused(text, said):
    with pytest.raises(SpecError, match=said) as caught:
        run_reference(text)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["first", "first/", "/zhang", "first/a/b", "first@x/zhang", ""])
def test_what_is_no_model_is_refused(text):
    with pytest.raises(SpecError) as caught:
        model_reference(text)
    assert caught.value.hint
