"""What a plug-in's exported network says of itself, and how far tiles may be from whole pictures."""

from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper

from orchestrator.conformance.answers import fact_problems, form_problems
from orchestrator.conformance.network_answers import (
    EXPLAINED_BYTES,
    parity_problems,
    shape_problems,
    tiled_memory,
    tiles_compared,
)
from stagekit.results.apart import save_apart
from stagekit.results.curves import CurvePoint, CurvesFile
from stagekit.results.export import ExportCheck, ExportFile
from stagekit.results.plan import NotTileable, SizePlan


@pytest.fixture
def left(tmp_path):
    """What a stage has left."""
    for name in ("output", "facts"):
        (tmp_path / name).mkdir()
    return SimpleNamespace(output=tmp_path / "output", facts=tmp_path / "facts", manifest=SimpleNamespace(files={}))


def exported(left, name="image", sides=(1, 3, "height", "width"), answer="transmission", kind=TensorProto.FLOAT):
    values = [helper.make_tensor_value_info(one, kind, sides) for one in (name, answer)]
    graph = helper.make_graph([helper.make_node("Identity", [name], [answer])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)])
    (left.output / "network.onnx").write_bytes(model.SerializeToString())
    return left


def test_a_network_of_the_contract_is_right(left):
    assert list(shape_problems(exported(left))) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "input"}, "its inputs are input"),
        ({"answer": "output"}, "no output 'transmission'"),
        ({"sides": (1, 3, 64, 96)}, "fixed to 64 x 96 pixels"),
        ({"sides": (1, 3, "height", 96)}, "fixed to ? x 96"),
        ({"sides": (1, "height", "width", 3)}, "float32 of 1 x ? x ? x 3"),
        ({"kind": TensorProto.FLOAT16}, "float16"),
    ],
)
def test_a_network_of_another_form_is_named_with_a_remedy(left, wrong, words):
    found = list(shape_problems(exported(left, **wrong)))
    assert any(words in said and remedy for said, remedy in found), found


def test_what_is_no_network_is_said(left):
    (left.output / "network.onnx").write_bytes(b"nothing of the kind")
    ((words, _remedy),) = shape_problems(left)
    assert words.startswith("network.onnx ")


def reported(left, *errors):
    checks = tuple(ExportCheck(37, 53, "transmission", error) for error in errors)
    save_apart(ExportFile(("image",), ("transmission",), 16, 1.0, checks), left.output, left.facts)
    return left


@pytest.mark.parametrize(
    ("errors", "words"), [((1e-6,), None), ((1e-6, 0.5), "37 x 53 differs by 0.5, above 0.0001"), ((), "of no picture")]
)
def test_an_export_has_to_be_near_the_native_network_as_the_spec_says(left, errors, words):
    found = [said for said, _remedy in parity_problems(reported(left, *errors), 1e-4)]
    assert len(found) == (words is not None)
    assert all(words in said for said in found)


def answers(folder, values):
    (folder / "arrays").mkdir(parents=True)
    np.save(folder / "arrays" / "odd.transmission.npy", np.asarray(values, np.float32))
    names = dict.fromkeys(["arrays/odd.transmission.npy", "predictions.json"])
    return SimpleNamespace(output=folder, facts=folder, manifest=SimpleNamespace(files=names))


NOT_TILEABLE = SizePlan(131, 195, (NotTileable("Softmax", "n", "it needs all"),), 3, 0)


@pytest.mark.parametrize(
    ("off", "outcome", "words"),
    [(0.0, "passed", "the same bits"), (1e-5, "passed", "1.0e-05"), (1e-2, "failed", "1.0e-02")],
)
def test_tiles_may_round_otherwise_and_no_more(tmp_path, off, outcome, words):
    whole = answers(tmp_path / "whole", [[0.0, 0.5, 1.0]])
    tiled = answers(tmp_path / "tiled", [[0.0, 0.5 + off, 1.0]])
    found, said, remedy = tiles_compared(tiled, whole, NOT_TILEABLE)
    assert found == outcome
    assert words in said
    assert "'approximate: Softmax'" in said
    assert (remedy is None) == (outcome == "passed")


def test_the_largest_picture_gets_less_than_its_maps_want():
    plan = SizePlan(131, 195, (), 3, 0, budget_bytes=EXPLAINED_BYTES - 400, peak_bytes=1000)
    assert tiled_memory(plan) == 400 + 600
    assert tiled_memory(NOT_TILEABLE) is None


def test_facts_and_unknown_fields_are_found_in_the_records_of_a_list_too(left):
    curves = CurvesFile((CurvePoint(1, 0, {"pixel": 0.5}, 0.1, seconds=2.0),))
    save_apart(curves, left.output, left.facts)
    assert list(form_problems(CurvesFile, left)) == []
    curves.save(left.output)
    path = left.output / "curves.json"
    path.write_text(path.read_text().replace('"step"', '"stem": 1, "step"'))
    found = [words for words, _remedy in fact_problems(CurvesFile, left)]
    assert found[0].startswith("seconds in curves.json")
    assert found[1] == "stem: no fields of curves.json"
    path.write_text("{}")
    assert "steps" in next(iter(form_problems(CurvesFile, left)))[0]
