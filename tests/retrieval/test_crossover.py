import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval import crossover

SIZES = [1_000, 10_000, 100_000, 1_000_000]


def test_the_crossing_of_two_known_lines_is_found_between_the_measured_sizes() -> None:
    sizes = np.array(SIZES)
    found = crossover(SIZES, exact=(1e-5 * sizes).tolist(), approximate=(0.01 * sizes**0.25).tolist())
    assert found.size == pytest.approx(1_000 ** (1 / 0.75), rel=1e-6)
    assert found.slopes == pytest.approx((1.0, 0.25))
    assert found.sentence() == "from about 10,000 videos on the index is faster than exact search"


def test_where_lines_cross_more_than_once_the_last_crossing_counts() -> None:
    found = crossover(SIZES, exact=[2, 1, 2, 4], approximate=[1, 2, 2.5, 2])
    assert found.size is not None
    assert 100_000 < found.size < 1_000_000


def test_columns_of_a_table_are_taken_in_their_order_whatever_their_labels() -> None:
    exact, approximate = (pd.Series(costs, index=SIZES) for costs in ([0.2, 0.4, 0.8, 2.4], [0.3, 0.6, 0.75, 0.99]))
    assert crossover(SIZES, exact, approximate) == crossover(SIZES, exact.tolist(), approximate.tolist())


@pytest.mark.parametrize(
    ("exact", "approximate", "said"),
    [
        ([1, 1, 1, 1], [2, 2, 2, 2], "exact search is the faster one up to 1,000,000 videos"),
        ([2, 2, 2, 2], [1, 1, 1, 1], "the index is the faster one from 1,000 videos on"),
        ([1, 3, 3, 1], [2, 2, 2, 2], "exact search is the faster one up to 1,000,000 videos"),
    ],
)
def test_lines_that_do_not_cross_for_good_have_no_size(exact: list[int], approximate: list[int], said: str) -> None:
    found = crossover(SIZES, exact, approximate)
    assert found.size is None
    assert said in found.sentence()


def test_it_is_a_table_and_a_plot() -> None:
    found = crossover(SIZES, [1, 2, 4, 8], [3, 3, 3, 3])
    assert found.to_frame().columns.tolist() == ["videos", "exact", "approximate"]
    assert len(found.plot().lines) == 3


@pytest.mark.parametrize(
    ("sizes", "exact", "approximate"),
    [
        ([10], [1], [1]),
        ([10, 5], [1, 1], [1, 1]),
        ([5, 10], [0, 1], [1, 1]),
        ([5, 10], [1], [1, 1]),
        ([5, 10], [1, np.inf], [1, 1]),
    ],
)
def test_costs_that_cannot_be_are_refused(sizes: list[int], exact: list[float], approximate: list[float]) -> None:
    with pytest.raises(ConfigError, match="expected finite costs above 0 for 2 or more ascending sizes"):
        crossover(sizes, exact, approximate)
