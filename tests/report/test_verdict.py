"""The verdict in words: nothing is said that the scores do not bear out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import NotMeasured, ReportContent
from orchestrator.report.views.verdict import VerdictView, verdict_view
from tests.report.test_summary import STEPS, around, with_psnr

BACKWARDS = STEPS[::-1]


def verdict(content: ReportContent, values: Mapping[str, Sequence[float | NotMeasured]]) -> VerdictView:
    found = verdict_view(with_psnr(content, values))
    assert found is not None
    return found


def sentences(content: ReportContent, values: Mapping[str, Sequence[float | NotMeasured]]) -> list[str]:
    (dataset,) = verdict(content, values).datasets
    return list(dataset.sentences)


@pytest.mark.slow
def test_who_is_ahead_is_said_with_by_how_much(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0, BACKWARDS), "ibcln2020": around(22.5)}
    first, *rest = sentences(plausible, values)
    assert first.startswith("IBCLN 2020 is ahead of ERRNet 2019 by 2.50 dB (95 % interval ")
    assert first.endswith(", n = 10) and Zhang 2018 by 4.50 dB (n = 10).")
    assert not rest


def test_what_cannot_be_told_apart_is_said_so(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(22.0), "ibcln2020": around(22.0, BACKWARDS)}
    first, second, *rest = sentences(plausible, values)
    assert first.startswith("ERRNet 2019 is ahead of Zhang 2018 by 4.00 dB")
    assert second.startswith(
        "ERRNet 2019 and IBCLN 2020 cannot be told apart: a difference of less than 0.01 dB (95 % interval -0."
    )
    assert not rest


def test_several_that_cannot_be_told_apart_stand_in_one_sentence(plausible: ReportContent) -> None:
    values = {"zhang2018": [20.0, 21.0], "errnet2019": [20.5, 20.6], "ibcln2020": [20.7, 20.0]}
    assert sentences(plausible, values) == [
        "ERRNet 2019, Zhang 2018 and IBCLN 2020 cannot be told apart on 2 pictures."
    ]


@pytest.mark.slow
def test_networks_are_set_against_doing_nothing_and_the_worst_news_comes_first(plausible: ReportContent) -> None:
    values = {
        "zhang2018": around(18.0),
        "errnet2019": around(20.0, BACKWARDS),
        "ibcln2020": around(22.5),
        "input": around(20.0),
    }
    _, worse, alike, better = sentences(plausible, values)
    assert worse.startswith("Zhang 2018 is worse than the unchanged input by 2.00 dB (n = 10).")
    assert alike == "ERRNet 2019 cannot be told apart from the unchanged input."
    assert better == "IBCLN 2020 is better than the unchanged input."


def test_network_without_scores_is_named(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0)}
    assert sentences(plausible, values)[-1] == "IBCLN 2020 was not measured, or not on any picture."


@pytest.mark.slow
def test_several_datasets_have_a_sentence_over_all_of_them(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0), "ibcln2020": around(22.5)}
    one = with_psnr(plausible, values)
    other = replace(one.datasets[0], name="second", title="Second")
    results = (*one.results, *(replace(result, dataset="second") for result in one.results))
    content = replace(one, datasets=(*one.datasets, other), test=(*one.test, "second"), results=results)
    found = verdict_view(with_rankings(content))
    assert found is not None
    assert found.overall == "Ahead of all others, of 2 datasets: IBCLN 2020 on 2."
    assert [dataset.title for dataset in found.datasets][1] == "Second"


def test_metric_of_random_features_gives_no_verdict(plausible: ReportContent) -> None:
    (lpips,) = [metric for metric in plausible.protocols[0].metrics if metric.name == "lpips"]
    protocols = (replace(plausible.protocols[0], metrics=(lpips,)), *plausible.protocols[1:])
    assert verdict_view(with_rankings(replace(plausible, protocols=protocols))) is None


def test_comparison_of_photographs_has_no_verdict(plausible: ReportContent) -> None:
    assert verdict_view(replace(plausible, test=("photos",))) is None


@pytest.mark.parametrize("name", ["zhang2018", "errnet2019"])
def test_a_single_network_is_set_against_doing_nothing_alone(plausible: ReportContent, name: str) -> None:
    models = tuple(model for model in plausible.models if model.label == name)
    content = with_psnr(replace(plausible, models=models), {name: around(25.0), "input": around(20.0)})
    found = verdict_view(content)
    assert found is not None
    assert found.overall == ""
    assert found.datasets[0].sentences == (f"{models[0].title} is better than the unchanged input.",)


def test_an_entrant_that_is_the_truth_itself_was_measured(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0), "ibcln2020": [math.inf] * 10}
    said = sentences(plausible, values)
    assert "IBCLN 2020 is identical to the truth on 10 pictures." in said
    assert not any("not measured" in one for one in said)


def test_how_many_pictures_is_said_of_each_pair_not_of_the_smallest(plausible: ReportContent) -> None:
    gap = [NotMeasured("lost")]
    values = {"zhang2018": [20.0, 21.0, *gap], "errnet2019": [20.5, 20.6, 20.6], "ibcln2020": [20.7, 20.0, 20.9]}
    assert any(
        one.endswith("cannot be told apart on the 2 to 3 pictures that two share.")
        for one in sentences(plausible, values)
    )
