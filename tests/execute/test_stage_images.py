"""Images run the kinds of stages that they offer, and say what is to be known of them where they are built."""

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.errors import SpecError
from orchestrator.execute.build import Built
from orchestrator.execute.comparison import stage_images
from orchestrator.plan.stage import Stage


def test_stage_of_a_kind_that_its_image_does_not_run_is_refused() -> None:
    stages = [Stage("evaluate/a", "evaluate", "metrics", {}), Stage("train/a", "train", "metrics", {})]
    with pytest.raises(SpecError, match="'metrics' runs no stage of kind train; it runs prepare, overlap, evaluate"):
        stage_images(stages)
    assert set(stage_images(stages[:1])) == {"metrics"}


@pytest.mark.parametrize(("already", "told"), [(False, True), (True, False)])
def test_what_is_to_be_known_of_a_variant_is_told_where_it_is_built(already: bool, told: bool) -> None:
    environment = Environment(engine="local", image="zhang2018", recipe="0" * 64, reference="r", details={})
    built = Built("zhang2018", environment, already, "Its kernels are compiled at the first start.")
    assert ("kernels are compiled" in built.sentence) == told
