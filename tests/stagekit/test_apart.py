"""One form in two files: equal runs leave the same results whatever they took, and nothing is lost on the way."""

import json
from dataclasses import replace

import pytest

from stagekit.results.apart import load_whole, save_apart
from stagekit.results.curves import CurvePoint, CurvesFile
from stagekit.results.document import InvalidResult
from stagekit.results.predictions import PredictionItem, PredictionsFile, TilePlanFacts

ITEMS = (
    PredictionItem("a", "a.png", 3, 5, 0.0, 1.0, seconds=0.5, peak_bytes=7),
    PredictionItem("b", "b.png", 3, 5, 0.0, 1.0, seconds=1.5, plan=TilePlanFacts(1, 2, 0.25, 3, 4)),
)
FOUND = PredictionsFile("m", "d", "exact", "exact", ITEMS, {"onnxruntime": "1.20"}, ("a warning",))
CURVES = CurvesFile(tuple(CurvePoint(step, 0, {"pixel": 1.0 / step}, 1e-4, step * 0.5) for step in (1, 2, 3)))


@pytest.fixture
def folders(tmp_path):
    for name in ("output", "facts"):
        (tmp_path / name).mkdir()
    return tmp_path / "output", tmp_path / "facts"


@pytest.mark.parametrize("result", [FOUND, CURVES], ids=["predictions", "curves"])
def test_what_was_saved_apart_is_loaded_whole(folders, result):
    save_apart(result, *folders)
    assert load_whole(type(result), *folders) == result


def test_results_are_the_same_bytes_whatever_the_run_took(folders):
    output, facts = folders
    save_apart(FOUND, *folders)
    results, about = (output / "predictions.json").read_bytes(), (facts / "predictions.json").read_bytes()
    slower = replace(FOUND, items=tuple(replace(item, seconds=9.0) for item in ITEMS), runtime={"onnxruntime": "1.21"})
    save_apart(slower, *folders)
    assert (output / "predictions.json").read_bytes() == results
    assert (facts / "predictions.json").read_bytes() != about
    words = ("seconds", "peak_bytes", "plan", "runtime", "onnxruntime")
    assert not any(word in results.decode() for word in words)


def test_without_its_facts_a_result_is_there_still(folders):
    output, facts = folders
    save_apart(FOUND, *folders)
    (facts / "predictions.json").unlink()
    found = load_whole(PredictionsFile, *folders)
    assert [(item.id, item.seconds, item.plan) for item in found.items] == [("a", None, None), ("b", None, None)]
    assert load_whole(PredictionsFile, output).runtime == {}


def test_one_file_from_before_they_were_kept_apart_is_read(folders):
    output, _facts = folders
    FOUND.save(output)
    assert load_whole(PredictionsFile, *folders) == FOUND


def test_unknown_fields_of_both_files_are_kept(folders):
    output, facts = folders
    save_apart(FOUND, *folders)
    for folder, name in ((output, "licence"), (facts, "energy")):
        document = json.loads((folder / "predictions.json").read_text())
        document["items"][0][name] = 3
        (folder / "predictions.json").write_text(json.dumps(document))
    assert load_whole(PredictionsFile, *folders).items[0].unknown == {"licence": 3, "energy": 3}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"items": [{"id": "a", "seconds": 1.0}]}, id="fewer"),
        pytest.param({"items": [{"id": "b"}, {"id": "a"}]}, id="order"),
        pytest.param({"items": {"a": 1.0}}, id="no-list"),
        pytest.param({"items": ["a", "b"]}, id="no-records"),
    ],
)
def test_facts_of_another_run_are_refused(folders, changed):
    save_apart(FOUND, *folders)
    (folders[1] / "predictions.json").write_text(json.dumps(changed))
    with pytest.raises(InvalidResult, match="items is not what its stage declares: the facts beside it are of another"):
        load_whole(PredictionsFile, *folders)


def test_facts_cannot_change_a_result(folders):
    save_apart(FOUND, *folders)
    path = folders[1] / "predictions.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model": "another", "label": "approximate"}))
    assert load_whole(PredictionsFile, *folders) == FOUND


def test_fact_that_is_not_as_declared_is_named(folders):
    save_apart(CURVES, *folders)
    (folders[1] / "curves.json").write_text(json.dumps({"steps": [{"step": n, "seconds": "soon"} for n in (1, 2, 3)]}))
    with pytest.raises(InvalidResult, match=r"steps\.0\.seconds: 'soon' is not a number"):
        load_whole(CurvesFile, *folders)
    (folders[1] / "curves.json").write_text("[]")
    with pytest.raises(InvalidResult, match="the facts beside it are not an object"):
        load_whole(CurvesFile, *folders)
