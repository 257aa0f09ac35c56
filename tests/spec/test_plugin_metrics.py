"""Metrics and protocols of plug-ins: what can be named, and every way in which their files can be wrong."""

import math
from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.library import Library, Plugin, built_in
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from orchestrator.spec.scoring import chosen_metrics
from tests.plugin_folder import METRIC, PROTOCOL, write_metric

SPEC = "name: first\nplugins: [mine]\nmodels: [{program: yang2019}]\ntest: [skimage-test]\nmetrics: [psnr, farthest]\n"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return write_metric(tmp_path / "mine")


def resolved(tmp_path, text=SPEC):
    path = tmp_path / "first.yaml"
    path.write_text(text, encoding="utf-8")
    return resolve(load_experiment(path), path)


def library(*folders: Path) -> Library:
    return built_in().extended(Plugin(folder, "a test") for folder in folders)


def refused(tmp_path, text=SPEC) -> str:
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, text)
    return f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"


def test_the_house_protocol_has_what_an_experiment_names_of_a_plugin(tmp_path, plugin):
    found = resolved(tmp_path)
    metrics = chosen_metrics("standard", found.experiment.metrics, found.library)
    assert [metric.name for metric in metrics] == ["psnr", "farthest"]
    assert metrics[1].image == "meter"
    assert metrics[1].scale.title == "Farthest"
    other = chosen_metrics("errnet2019", found.experiment.metrics, found.library)
    assert [metric.name for metric in other] == ["psnr", "ssim", "lmse", "ncc"]


def test_a_protocol_says_what_its_scores_are_taken_of(plugin):
    path = plugin / "protocol_specs" / "mine2026.yaml"
    path.write_text(PROTOCOL.replace(", farthest", "") + "border: 4\nfloats: true\nscored: Only that.\n")
    found = library(plugin).protocol("mine2026")
    assert (found.border, found.floats, found.ranked) == (4, True, True)
    assert found.scored == (
        "The network's answer as floats, clipped to the range of a picture and not rounded. RGB, nothing resized, "
        "4 pixels left out along each side. Only that."
    )


@pytest.mark.parametrize(
    ("folder", "name", "text", "words"),
    [
        pytest.param("metric_specs", "ncc", METRIC, "metric 'ncc' of a plug-in has the name of a metric", id="metric"),
        pytest.param(
            "protocol_specs", "ntire2026", PROTOCOL, "protocol 'ntire2026' of a plug-in has the name", id="protocol"
        ),
    ],
)
def test_what_has_a_built_in_name_is_refused_at_once(plugin, folder, name, text, words):
    (plugin / folder / f"{name}.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        library(plugin)
    assert words in caught.value.message
    assert str(plugin / folder / f"{name}.yaml") in caught.value.where
    assert caught.value.message.endswith("of this project")
    assert "a test" in caught.value.where


def test_two_plugins_with_a_metric_of_one_name_are_refused(tmp_path, plugin):
    other = write_metric(tmp_path / "other")
    (other / "images" / "meter").rename(other / "images" / "another")
    with pytest.raises(SpecError, match="two folders bring a metric 'farthest'"):
        library(plugin, other)


METRICS = [
    pytest.param("better: lower", "better: less", "better must be 'higher' or 'lower', not 'less'", id="direction"),
    pytest.param("better: lower\n", "", "field 'better' is missing", id="no-direction"),
    pytest.param("unit: levels", "units: levels", "unknown field 'units'; did you mean 'unit'?", id="misspelt"),
    pytest.param("identical: 0", "identical: -1", "identical -1 does not lie from least to most", id="identical"),
    pytest.param("identical: 0", "identical: infinite", "cannot have an infinite value where lower", id="infinite"),
    pytest.param("least: 0", "least: 300", "least 300 is more than most 255", id="bounds"),
    pytest.param("least: 0", "least: .nan", "least must be a finite number", id="nan"),
    pytest.param("decimals: 1", "decimals: 12", "decimals must be at most 9, not 12", id="decimals"),
    pytest.param("title: Farthest", "title: ''", "title", id="no-title"),
    pytest.param("name: farthest", "name: nearest", "'nearest' differs from the file's name", id="other-name"),
    pytest.param("image: meter", "image: metre", "there is no image 'metre', which", id="no-image"),
]


@pytest.mark.parametrize(("old", "new", "words"), METRICS)
def test_a_wrong_metric_is_told_with_its_line_and_who_asked_for_it(tmp_path, plugin, old, new, words):
    path = plugin / "metric_specs" / "farthest.yaml"
    path.write_text(METRIC.replace(old, new))
    said = refused(tmp_path)
    assert words in said
    assert "farthest.yaml" in said
    assert "first.yaml:5:17" in said


PROTOCOLS = [
    pytest.param("[errnet2019.ssim, farthest]", "[ssim]", "no plug-in has a metric 'ssim'", "standard.ssim", id="bare"),
    pytest.param("farthest]", "farther]", "no plug-in has a metric 'farther'; did you mean 'farthest'?", "", id="near"),
    pytest.param("errnet2019.ssim", "errnet2019.sim", "did you mean 'errnet2019.ssim'?", "", id="own"),
    pytest.param("errnet2019.ssim", "course2024.ssim", "is of a protocol that is faulty", "", id="faulty"),
    pytest.param("[errnet2019.ssim,", "[errnet2019.ssim, standard.ssim,", "two metrics called 'ssim'", "", id="twice"),
    pytest.param("version: 1", "version: 1\nborder: 4", "'farthest' is of a plug-in, whose", "", id="border"),
    pytest.param("version: 1", "version: 1\nfloats: true", "'farthest' is of a plug-in", "", id="floats"),
    pytest.param("version: 1", "version: 0", "version must be at least 1", "", id="version"),
    pytest.param("[errnet2019.ssim, farthest]", "[]", "metrics needs at least 1", "", id="none"),
]


@pytest.mark.parametrize(("old", "new", "words", "hint"), PROTOCOLS)
def test_a_wrong_protocol_is_told_with_its_line_and_who_asked_for_it(tmp_path, plugin, old, new, words, hint):
    path = plugin / "protocol_specs" / "mine2026.yaml"
    path.write_text(PROTOCOL.replace(old, new))
    said = refused(tmp_path, SPEC + "protocols: [mine2026]\n")
    assert words in said
    assert hint in said
    assert "mine2026.yaml:" in said
    assert "first.yaml:6:13" in said


EXPERIMENTS = [
    pytest.param("farthest]", "farther]", "metrics[1] must be 'psnr', 'ssim', 'lpips' or 'farthest'", id="unknown"),
    pytest.param("farthest]", "farthest, farthest]", "metric 'farthest' is listed twice", id="twice"),
    pytest.param("farthest]", "farthest]\nprotocols: [mine]", "not 'mine'; did you mean 'mine2026'?", id="protocol"),
    pytest.param(
        "farthest]",
        "farthest]\nprotocols: [errnet2019]",
        "metric 'farthest' is measured in protocol 'standard', which is not among 'protocols'",
        id="unmeasured",
    ),
]


@pytest.mark.parametrize(("old", "new", "words"), EXPERIMENTS)
def test_what_an_experiment_gets_wrong_is_told_before_anything_runs(tmp_path, plugin, old, new, words):
    assert words in refused(tmp_path, SPEC.replace(old, new))


def test_without_its_plugin_a_metric_is_not_known(tmp_path, plugin):
    said = refused(tmp_path, SPEC.replace("plugins: [mine]\n", ""))
    assert "metrics[1] must be 'psnr', 'ssim' or 'lpips', not 'farthest'" in said


def test_an_image_that_measures_nothing_is_refused_at_planning(tmp_path, plugin):
    path = plugin / "images" / "meter" / "image.yaml"
    path.write_text(path.read_text().replace("measure", "predict"))
    said = refused(tmp_path)
    assert "the image 'meter' runs no stage of kind measure; it runs predict" in said
    assert str(path) in said


def test_a_metric_that_may_be_infinite_says_so(plugin):
    bounded, free = "better: lower\nidentical: 0\nleast: 0\nmost: 255", "better: higher\nidentical: infinite"
    (plugin / "metric_specs" / "farthest.yaml").write_text(METRIC.replace(bounded, free))
    assert library(plugin).metric("farthest").entry.scale.identical == math.inf


def test_a_published_table_names_a_protocol_of_its_plugin(plugin):
    folder = plugin / "data" / "published"
    folder.mkdir(parents=True)
    text = (
        "name: nobody2026\ntitle: A\nkind: paper\nsource: b\nevidence: paper\nprotocol: mine2026\n"
        "rows: [{network: input, dataset: real, ssim: 0.5}]\n"
    )
    (folder / "nobody2026.yaml").write_text(text)
    assert library(plugin).published_table("nobody2026").protocol == "mine2026"
    (folder / "nobody2026.yaml").write_text(text.replace("mine2026", "mine2025"))
    with pytest.raises(SpecError, match="there is no protocol 'mine2025'; did you mean 'mine2026'"):
        library(plugin).published_table("nobody2026")
