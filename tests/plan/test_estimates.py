"""What stages will take, from what others took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.estimates import Measurement, estimate
from orchestrator.plan.work import Work

AREA = 64 * 64


def training(steps, seconds, units_s, *, area=AREA, task="t", size=100):
    return Measurement(task, Work(steps, steps * area), seconds, units_s, size)


def of_training(work, own=(), brought=()):
    return estimate("train/x", "train", "t", work, own, brought)


def test_without_measurements_steps_are_told_and_time_is_not():
    found = of_training(Work(40, 40 * AREA), own=[training(4, 20, 8, task="another")])
    assert (found.steps, found.seconds, found.size_bytes, found.origin) == (40, None, None, "unknown")


def test_an_earlier_training_tells_start_and_step():
    found = of_training(Work(40, 40 * AREA), own=[training(4, 20, 8)])
    assert (found.seconds, found.per_step_s, found.size_bytes, found.origin) == (12 + 40 * 2, 2, 100, "store")


def test_a_larger_crop_takes_longer_by_its_area():
    found = of_training(Work(10, 10 * 4 * AREA), own=[training(4, 20, 8)])
    assert found.seconds == 12 + 10 * 8


def test_the_project_s_slope_is_shifted_by_what_the_store_measured():
    # A step takes a second and a second an area; this machine is three times slower, at the one size that it knows.
    brought = [training(10, 25, 20), training(10, 55, 50, area=4 * AREA)]
    alone = of_training(Work(10, 10 * 9 * AREA), brought=brought)
    assert (alone.seconds, alone.origin) == (5 + 100, "project")
    shifted = of_training(Work(10, 10 * 9 * AREA), own=[training(10, 67, 60)], brought=brought)
    assert (shifted.seconds, shifted.origin) == (7 + 300, "store")


def test_the_nearest_size_of_the_store_counts():
    own = [training(10, 20, 10), training(10, 90, 80, area=4 * AREA), training(10, 110, 100, area=4 * AREA)]
    brought = [training(10, 15, 10), training(10, 45, 40, area=4 * AREA)]
    assert of_training(Work(1, 1.1 * AREA), own, brought).per_step_s == pytest.approx(1.1)
    assert of_training(Work(1, 3.9 * AREA), own, brought).per_step_s == pytest.approx(3.9 * 9 / 4)


def test_times_of_a_last_part_alone_tell_the_step_and_not_the_start():
    found = of_training(Work(4, 4 * AREA), own=[training(4, None, 8)], brought=[training(4, 9, 4)])
    assert found.seconds == 5 + 8


def test_stages_without_units_follow_their_pixels_from_a_start_on():
    measured = [Measurement("e", Work(1, pixels), seconds, None, 10) for pixels, seconds in ((100, 6.0), (300, 8.0))]
    assert estimate("evaluate/x", "evaluate", "e", Work(1, 500), measured, ()).seconds == 10
    assert estimate("evaluate/x", "evaluate", "e", Work(1, 500), measured, ()).size_bytes == 10


def test_results_of_pictures_grow_with_them():
    measured = [Measurement("i", Work(2, 1000), 6.0, 4.0, 3000)]
    assert estimate("infer/x", "infer", "i", Work(4, 4000), measured, ()).size_bytes == 12000


def test_a_dataset_that_is_not_known_makes_all_unknown():
    found = estimate("infer/x", "infer", "i", None, [Measurement("i", Work(2, 1000), 6.0, 4.0, 3000)], ())
    assert (found.seconds, found.size_bytes, found.origin) == (None, None, "unknown")


times = st.floats(0.001, 1e6)


@st.composite
def trainings(draw):
    units_s, start = draw(times), draw(st.none() | times)
    steps, area = draw(st.integers(1, 10**6)), draw(st.floats(1, 1e7))
    return training(
        steps, None if start is None else start + units_s, units_s, area=area, size=draw(st.integers(0, 10**9))
    )


@given(st.lists(trainings(), max_size=5), st.lists(trainings(), max_size=5), st.floats(1, 1e7), st.data())
def test_more_steps_never_take_less(own, brought, area, data):
    fewer = data.draw(st.integers(1, 10**6))
    more = data.draw(st.integers(fewer, 10**7))
    first, second = (of_training(Work(steps, steps * area), own, brought) for steps in (fewer, more))
    if first.seconds is None:
        assert second.seconds is None
        assert not own
        assert not brought
    else:
        assert second.seconds is not None
        assert 0 <= first.seconds <= second.seconds * (1 + 1e-6)
