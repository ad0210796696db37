import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.design_map import DESIGNS, Costs, DesignMap

COSTS = Costs(request=1e-3, rank_video=1e-5, search_video=1e-8, candidates=500)


def test_answers_worked_by_hand() -> None:
    # 1 ms, and 10 µs for each of 2,000 videos; or 500 of them ranked and all 2,000 compared at 10 ns
    assert COSTS.one_stage(2_000) == pytest.approx(0.021)
    assert COSTS.two_stages(2_000) == pytest.approx(0.001 + 0.005 + 0.00002)
    assert COSTS.two_stages(100) == pytest.approx(0.001 + 0.001 + 0.000001)  # no more can be ranked than there are
    assert COSTS.one_stage_until(0.2) == pytest.approx(19_900)
    assert COSTS.exact_search_until(0.2) == pytest.approx((0.2 - 0.006) / 1e-8)
    assert COSTS.online_from() == pytest.approx(0.006)


@given(st.floats(1e-3, 1.0))
def test_designs_flip_where_they_say(budget: float) -> None:
    for flip, before in ((COSTS.one_stage_until(budget), DESIGNS[:1]), (COSTS.exact_search_until(budget), DESIGNS[:2])):
        if flip >= 1:
            assert COSTS.design(0.999 * flip, budget) in before
            assert COSTS.design(1.001 * flip, budget) not in before


@given(st.floats(1, 1e10), st.floats(1e-4, 10), st.floats(1, 100))
def test_more_videos_or_less_time_never_make_the_plainer_design_fit(videos: float, budget: float, by: float) -> None:
    here = DESIGNS.index(COSTS.design(videos, budget))
    assert DESIGNS.index(COSTS.design(videos * by, budget)) >= here
    assert DESIGNS.index(COSTS.design(videos, budget / by)) >= here


def test_a_budget_in_which_nothing_can_be_ranked_leaves_batch() -> None:
    assert COSTS.design(1e6, 0.0005) == "batch"
    assert COSTS.one_stage_until(0.0005) == 0


def test_exact_search_is_no_use_before_one_stage_stops_fitting() -> None:
    slow = Costs(request=1e-3, rank_video=1e-5, search_video=2e-5, candidates=500)  # its own: 0.194 ÷ 0.00002 = 9,700
    assert slow.exact_search_until(0.2) == slow.one_stage_until(0.2) == pytest.approx(19_900)
    assert COSTS.exact_search_until(0.003) == COSTS.one_stage_until(0.003) == pytest.approx(200)  # its own is below 0


def test_a_budget_in_which_the_candidates_just_fit_is_not_for_batch() -> None:
    budget = COSTS.online_from()
    assert COSTS.design(1e11, budget) == "two stages, an index"
    assert COSTS.design(1e11, np.nextafter(budget, 0)) == "batch"


def test_the_map_says_at_each_place_what_the_costs_say() -> None:
    drawn = DesignMap(COSTS)
    videos, budgets, names = drawn.areas(steps=20)
    assert names.shape == (20, 20)
    assert set(np.unique(names)) == {0, 1, 2, 3}
    assert all(DESIGNS[names[b, v]] == drawn.at(videos[v], budgets[b]) for b in range(20) for v in range(20))


def test_the_plot_names_the_areas_and_its_axes_with_units() -> None:
    axes = DesignMap(COSTS).plot(places={"here": (1e8, 0.2)})
    assert [text.get_text() for text in axes.texts] == [*DESIGNS, "here"]
    assert axes.lines[0].get_xydata().tolist() == [[1e8, 200]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("videos in the catalogue", "budget of an answer, ms")


def test_the_plot_colours_each_place_by_its_design_with_budgets_in_ms() -> None:
    drawn = DesignMap(COSTS)
    videos, budgets, names = drawn.areas()
    (mesh,) = drawn.plot().collections
    assert np.array_equal(np.ravel(mesh.get_array()), names.ravel())
    inner = mesh.get_coordinates()[1:-1, 1:-1]  # corners of cells, halfway between the places
    assert np.allclose(inner[0, :, 0], (videos[1:] + videos[:-1]) / 2)
    assert np.allclose(inner[:, 0, 1], 1000 * (budgets[1:] + budgets[:-1]) / 2)


@pytest.mark.parametrize("costs", [(0, 1, 1), (1, -1, 1), (1, 1, np.nan), (np.inf, 1, 1)])
def test_costs_are_above_zero(costs: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="costs above 0"):
        Costs(*costs)
