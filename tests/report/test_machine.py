"""What programs read: report.json is what its schema says and holds the numbers as they were measured."""

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.report.content import NotMeasured, ReportContent, Scores
from orchestrator.report.machine.record import ReportFile, schema
from orchestrator.report.machine.report_record import report_record
from orchestrator.report.views.aggregate import mean
from tests.report.hostile_sample import HOSTILE

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def read(index: Path) -> Any:
    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((index.parent / "report.json").read_text(encoding="utf-8"), parse_constant=refused)


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_report_json_is_what_the_documented_schema_says(report: str, request: pytest.FixtureRequest) -> None:
    documented = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(documented)
    jsonschema.validate(read(request.getfixturevalue(report)), documented)


def test_schema_refuses_what_is_no_report(plausible_report: Path) -> None:
    wrong = read(plausible_report)
    wrong["results"][0]["scores"][0]["pictures"][0]["values"]["psnr"] = "nan"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema())


def test_report_json_reads_back_as_it_was_written(plausible: ReportContent, plausible_report: Path) -> None:
    assert ReportFile.model_validate(read(plausible_report)) == report_record(plausible)


def test_schema_names_its_version() -> None:
    found = schema()
    assert found["properties"]["schema_version"]["const"] == 1  # type: ignore[index]


def test_scores_stand_as_they_were_measured(plausible: ReportContent, plausible_report: Path) -> None:
    found = read(plausible_report)
    results = {(result["label"], result["dataset"]): result for result in found["results"]}
    measured = next(
        result for result in plausible.results if (result.label, result.dataset) == ("ibcln2020", "skimage-test")
    )
    own = measured.scores["standard"]
    assert isinstance(own, Scores)
    scores, _, faulty = results["ibcln2020", "skimage-test"]["scores"]
    assert (scores["protocol"], scores["version"], scores["fault"]) == ("standard", 1, "")
    assert "wrap around" in faulty["fault"]
    assert [item["values"]["psnr"] for item in scores["pictures"]] == [item.values["psnr"] for item in own.items]
    expected = math.fsum(item.values["psnr"] for item in own.items) / 4  # type: ignore[misc]
    assert scores["means"]["psnr"]["value"] == pytest.approx(expected, abs=1e-12)
    truth = results["truth", "skimage-test"]["scores"][0]
    assert truth["pictures"][0]["values"]["psnr"] == "inf"
    assert truth["means"]["psnr"] | {"low": None, "high": None} == {
        "value": "inf",
        "finite": 0,
        "infinite": 4,
        "missing": 0,
        "low": None,
        "high": None,
    }
    assert results["ibcln2020", "photos"]["scores"] == []
    assert results["truth", "skimage-test"]["control"]


def test_pairs_of_networks_are_told_with_their_test(plausible: ReportContent, plausible_report: Path) -> None:
    found = read(plausible_report)["rankings"]
    assert len(found) == sum(len(protocol.metrics) for protocol in plausible.protocols)
    first = found[0]
    assert (first["dataset"], first["protocol"], first["metric"]) == ("skimage-test", "standard", "psnr")
    assert first["pairs"][0] == {
        "first": "zhang2018",
        "second": "errnet2019",
        "n": 4,
        "won": 0,
        "lost": 4,
        "p": pytest.approx(0.375),
        "method": "exact",
        "outcome": "few",
        "better": None,
        "ahead": "errnet2019",
        "among_runs": False,
        "needs": 7,
        "difference": pytest.approx(-2.8),
        "typical": pytest.approx(-2.8),
        "low": pytest.approx(-2.8),
        "high": pytest.approx(-2.8),
        "confidence": None,
    }
    assert first["chances"] == {"zhang2018": 0.0, "errnet2019": 0.0, "ibcln2020": 1.0}
    assert [pair["second"] for pair in first["beside_input"]] == ["input"] * 3
    assert all(not ranking["pairs"] for ranking in found if ranking["protocol"] == "course2024")


def test_what_was_not_measured_says_why(hostile_report: Path) -> None:
    found = read(hostile_report)
    assert found["models"][1]["weights"] == {"not_measured": HOSTILE}
    values = found["results"][0]["scores"][0]["pictures"][0]["values"]
    assert values["lpips"] == {"not_measured": HOSTILE}
    assert found["results"][1]["scores"][0]["not_measured"] == HOSTILE


def test_spec_is_kept_as_a_file_with_its_hash(plausible: ReportContent, plausible_report: Path) -> None:
    kept = plausible_report.parent / "spec" / "quickstart.yaml"
    assert kept.read_text(encoding="utf-8") == plausible.spec
    assert read(plausible_report)["spec"]["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()


def test_stages_keep_memory_and_what_they_left(plausible_report: Path) -> None:
    stages = {stage["name"]: stage for stage in read(plausible_report)["stages"]}
    assert stages["evaluate/zhang2018/photos/standard"]["files"]["scores.json"] == {"sha256": "cd" * 32, "size": 812}
    assert stages["prepare/skimage-test"]["memory"]["budget_bytes"] == 2**31


@pytest.mark.parametrize(
    ("values", "total", "expected"),
    [
        pytest.param([1.0, 2.0, math.inf], 4, (1.5, 2, 1, 1), id="finite-infinite-missing"),
        pytest.param([math.inf, math.inf], 2, (math.inf, 0, 2, 0), id="all-infinite"),
        pytest.param([NotMeasured("x"), None], 2, (None, 0, 0, 2), id="none"),
        pytest.param([], 0, (None, 0, 0, 0), id="no-pictures"),
    ],
)
def test_mean_is_over_finite_scores_and_counts_the_others(values: Any, total: int, expected: Any) -> None:
    found = mean(values, total)
    assert (found.value, found.finite, found.infinite, found.missing) == expected


def test_pictures_that_were_not_scored_are_missing_from_the_mean(plausible: ReportContent) -> None:
    def cut(scores: Any) -> Any:
        return {name: replace(found, items=found.items[:3]) for name, found in scores.items()}

    results = tuple(replace(result, scores=cut(result.scores)) for result in plausible.results)
    record = report_record(replace(plausible, results=results))
    means = record.results[0].scores[0].means  # type: ignore[union-attr]
    assert (means["ssim"].finite, means["ssim"].missing) == (3, 1)


def test_report_json_names_every_list_of_software_with_its_hash(
    plausible: ReportContent, plausible_report: Path
) -> None:
    found = read(plausible_report)
    named = [found["sbom"], *(environment["sbom"] for environment in found["environments"])]
    assert [entry and entry["file"] for entry in named] == [
        "sbom/sirr-orch.cdx.json",
        "sbom/errnet2019-docker-abababababab.cdx.json",
        None,
    ]
    page = (plausible_report.parent / "provenance.html").read_text(encoding="utf-8")
    for entry in filter(None, named):
        content = (plausible_report.parent / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert f'href="{entry["file"]}"' in page
        assert entry["sha256"] in page
    assert plausible.sbom is not None
