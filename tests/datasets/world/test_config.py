from typing import Any

import pytest

from mlsd_lab.datasets.world import Drift, WorldConfig
from mlsd_lab.errors import ConfigError


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"users": 9}, "users: expected a whole number from 10 to"),
        ({"videos": 99}, "videos: expected a whole number from 100 to"),
        ({"events": 0}, "events: expected a whole number from 100 to"),
        ({"days": 1}, "days: expected a whole number from 2 to"),
        ({"seed": -1}, "seed: expected a whole number from 0 to"),
        ({"drift": Drift(seasonality=9)}, "seasonality: expected 0 to 3"),
        ({"days": 7, "drift": Drift(taste_shift=7)}, "taste_shift: expected a day from 0 to 6, found 7"),
        ({"users": "many"}, "users: expected a whole number from 10 to 10000000, found 'many'"),
        ({"events": 1e6}, "events: expected a whole number"),
        ({"drift": Drift(taste_shift="7")}, "taste_shift: expected a day from 0 to 27, found '7'"),  # type: ignore[arg-type]
        ({"drift": Drift(new_cohort=-1)}, "new_cohort: expected a day"),
        ({"drift": Drift(unit_bug=99)}, "unit_bug: expected a day"),
    ],
)
def test_a_size_that_cannot_be_simulated_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        WorldConfig(**wrong)


def test_the_default_world_is_the_one_that_the_course_speaks_of() -> None:
    world = WorldConfig()
    assert (world.users, world.videos, world.events, world.days) == (5_000, 2_000, 300_000, 28)
