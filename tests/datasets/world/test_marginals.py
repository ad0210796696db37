import pytest

from mlsd_lab.datasets import load
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.datasets.world.marginals import REAL, Marginals
from tests.needs import kuairand_folder

TOLERANCE = dict.fromkeys(REAL, 0.2) | {"watch ÷ duration, 10 %": 0.5}
"""Relative; the lowest tenth of watches is a thousandth of the video, where a factor is a blink."""


@pytest.mark.parametrize("seed", [0, 1])
def test_a_world_of_the_real_logs_size_looks_like_it(seed: int) -> None:
    world = simulate(WorldConfig(users=25_000, videos=7_500, events=250_000, days=14, seed=seed))
    table = Marginals.of(world.log).to_frame()
    off = (table["ratio"] - 1).abs()
    assert off[off > [TOLERANCE[name] for name in off.index]].to_dict() == {}


def test_the_excerpt_of_the_real_log_looks_like_the_whole() -> None:
    rates = Marginals.of(load("kuairand", kuairand_folder())).to_frame().iloc[:11]["ratio"]
    assert (rates.drop("watch ÷ duration, 10 %") - 1).abs().max() < 0.1


def test_the_picture_has_a_point_a_marginal() -> None:
    axes = Marginals(REAL).plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(REAL)[::-1]
