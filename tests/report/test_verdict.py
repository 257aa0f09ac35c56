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
    assert first == (
        "IBCLN 2020 is ahead of ERRNet 2019 by 2.50 dB (typically 2.20 to 2.80 dB, better on 10 of 10 pictures) "
        "and Zhang 2018 by 4.50 dB (better on 10 of 10 pictures)."
    )
    assert not rest


def test_what_is_typical_is_said_of_the_pictures_that_differ(plausible: ReportContent) -> None:
    """Half of the pictures are the same: no difference is typical of all of them."""
    content = replace(plausible, models=plausible.models[:2])
    lead = [(n % 2) * (1.5 + 0.05 * n) for n in range(20)]
    values = {"zhang2018": [20.0 + n for n in range(20)], "errnet2019": [20.0 + n + lead[n] for n in range(20)]}
    first, *_ = sentences(content, values)
    assert first.startswith("ERRNet 2019 is ahead of Zhang 2018 by 1.00 dB (typically 1.")
    assert first.endswith(" dB where they differ, better on 10 of 20 pictures).")


def test_what_cannot_be_told_apart_is_said_so(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(22.0), "ibcln2020": around(22.0, BACKWARDS)}
    first, second, *rest = sentences(plausible, values)
    assert first.startswith("ERRNet 2019 is ahead of Zhang 2018 by 4.00 dB")
    assert second.startswith(
        "ERRNet 2019 and IBCLN 2020 cannot be told apart: a difference of less than 0.01 dB (typically -0."
    )
    assert second.endswith(" dB, better on 5 of 10 pictures).")
    assert not rest


def test_several_that_cannot_be_told_apart_from_the_best_stand_in_one_sentence(plausible: ReportContent) -> None:
    noise = [0.3 * (-1) ** n for n in range(10)]
    values = {
        "zhang2018": around(20.0),
        "errnet2019": around(20.0, [step + noise[n] for n, step in enumerate(STEPS)]),
        "ibcln2020": around(20.0, [step + noise[-n] for n, step in enumerate(BACKWARDS)]),
    }
    assert sentences(plausible, values) == [
        "Zhang 2018 cannot be told apart from ERRNet 2019 and IBCLN 2020 on 10 pictures."
    ]


def test_too_few_pictures_are_said_to_be_so_with_how_things_stand_and_how_many_it_takes(
    plausible: ReportContent,
) -> None:
    """Of five pictures no test of three networks comes out below 0.19, whatever the scores."""
    values = {
        "zhang2018": around(10.0)[:5],
        "errnet2019": around(12.0, BACKWARDS)[:5],
        "ibcln2020": around(13.0)[:5],
        "input": around(22.0)[:5],
    }
    among, beside = sentences(plausible, values)
    assert among == (
        "Too few pictures (needs at least 7) to tell IBCLN 2020 from ERRNet 2019 and Zhang 2018. On the 5 pictures at "
        "hand it is ahead of ERRNet 2019 by 0.90 dB (0.50 to 1.30 dB, better on 5 of 5 pictures) and ahead of Zhang "
        "2018 by 3.00 dB (better on 5 of 5 pictures)."
    )
    assert beside.startswith(
        "Too few pictures (needs at least 7) to tell IBCLN 2020, ERRNet 2019 and Zhang 2018 from the unchanged input. "
        "On the 5 pictures at hand IBCLN 2020 is behind it by 9.00 dB (worse on 5 of 5 pictures), "
    )


def test_one_network_beside_the_input_needs_six_pictures(plausible: ReportContent) -> None:
    models = plausible.models[:1]
    content = replace(plausible, models=models)
    few = {models[0].label: around(25.0)[:5], "input": around(20.0)[:5]}
    (said,) = sentences(content, few)
    assert said.startswith("Too few pictures (needs at least 6) to tell")
    enough = {models[0].label: around(25.0)[:6], "input": around(20.0)[:6]}
    assert sentences(content, enough) == [f"{models[0].title} is better than the unchanged input."]


def test_runs_that_overlap_are_said_to_be_why_nothing_is_told_apart(plausible: ReportContent) -> None:
    first, second, _ = plausible.models
    runs = tuple(replace(second, label=f"errnet2019-seed{n}", seed=n, group="errnet2019") for n in (1, 2))
    values = {
        "zhang2018": around(20.0),
        "errnet2019-seed1": around(19.5),
        "errnet2019-seed2": around(23.0, BACKWARDS),
    }
    (said,) = sentences(replace(plausible, models=(first, *runs)), values)
    assert "cannot be told apart: single runs of the two lie among one another (1.25 dB (" in said


def test_a_mean_that_few_pictures_carry_is_said_to_contradict_the_others(plausible: ReportContent) -> None:
    values = {"zhang2018": [20.5 + 0.01 * n for n in range(20)], "errnet2019": [20.0] * 19 + [80.0]}
    (said, *_) = sentences(replace(plausible, models=plausible.models[:2]), values)
    assert said.startswith(
        "ERRNet 2019 and Zhang 2018 cannot be told apart: most pictures are in favour of Zhang 2018 (typically 0."
    )
    assert said.endswith("better on 19 of 20 pictures), the mean is not.")


def test_who_would_have_the_best_mean_is_told_with_its_probability(plausible: ReportContent) -> None:
    values = {"zhang2018": around(18.0), "errnet2019": around(22.0), "ibcln2020": around(22.0)}
    (dataset,) = verdict(plausible, values).datasets
    assert dataset.chances == "ERRNet 2019 50 %, IBCLN 2020 50 %, Zhang 2018 <1 %"
    (few,) = verdict(plausible, {name: scores[:3] for name, scores in values.items()}).datasets
    assert few.chances.endswith("Zhang 2018 <1 % (too sure, of so few pictures)")


def test_network_with_a_failed_seed_is_told_no_probability(plausible: ReportContent) -> None:
    first, second, third = plausible.models
    runs = tuple(replace(third, label=f"ibcln2020-seed{n}", seed=n, group="ibcln2020") for n in (1, 2))
    content = replace(plausible, models=(first, second, *runs))
    values = {"zhang2018": around(18.0), "errnet2019": around(20.0), "ibcln2020-seed1": around(22.0)}
    (dataset,) = verdict(content, values).datasets
    assert dataset.chances == "ERRNet 2019 >99 %, Zhang 2018 <1 %"


@pytest.mark.slow
def test_networks_are_set_against_doing_nothing_and_the_worst_news_comes_first(plausible: ReportContent) -> None:
    values = {
        "zhang2018": around(18.0),
        "errnet2019": around(20.0, BACKWARDS),
        "ibcln2020": around(22.5),
        "input": around(20.0),
    }
    _, worse, alike, better = sentences(plausible, values)
    assert worse.startswith("Zhang 2018 is worse than the unchanged input by 2.00 dB (worse on 10 of 10 pictures).")
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
    lost = NotMeasured("lost")
    noise = [0.3 * (-1) ** n for n in range(10)]
    values: dict[str, list[float | NotMeasured]] = {
        "zhang2018": [*around(20.0)[:9], lost],
        "errnet2019": [*around(20.05, [step + noise[n] for n, step in enumerate(STEPS)])],
        "ibcln2020": [*around(20.0, [step + noise[-n] for n, step in enumerate(BACKWARDS)])],
    }
    assert any(
        one.endswith("cannot be told apart from Zhang 2018 and IBCLN 2020 on the 9 to 10 pictures that two share.")
        for one in sentences(plausible, values)
    )
