import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.retrieval import EASE, Retriever
from tests.retrieval.retriever_contract import RetrieverContract, a_log


class TestEASE(RetrieverContract):
    def make(self) -> Retriever:
        return EASE(regularization=1)


def test_each_column_is_the_ridge_regression_of_a_video_on_all_the_others() -> None:
    from sklearn.linear_model import Ridge

    log = a_log()
    once = log.matrix().sign().toarray()
    weights = EASE(regularization=5).fit(log).weights_
    for video in (0, 17, 60):
        others = np.delete(np.arange(61), video)
        fitted = Ridge(alpha=5, fit_intercept=False).fit(once[:, others], once[:, video])
        assert weights[others, video] == pytest.approx(fitted.coef_, abs=1e-9)
        assert weights[video, video] == 0


def test_how_often_a_pair_occurs_changes_nothing() -> None:
    log = a_log()
    twice = log.with_events(pd.concat([log.events, log.events.iloc[:50]]))
    assert (EASE().fit(twice).weights_ == EASE().fit(log).weights_).all()


def test_a_catalogue_that_does_not_fit_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(
        ConfigError, match=r"61 of them need 0\.0 GB, memory_gb allows 1e-05; raise it, or take ItemKNN"
    ):
        EASE(memory_gb=1e-5).fit(a_log())


def everybody_watched_everything(people: int, videos: int) -> Log:
    pairs = pd.DataFrame([(u, v) for u in range(people) for v in range(videos)], columns=["user_id", "video_id"])
    return Log.from_frames(pairs.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))


def test_no_more_memory_is_taken_than_is_said() -> None:
    log, videos = everybody_watched_everything(10, 400), 400
    ease, history = EASE(memory_gb=2.51 * 8 * videos**2 / 1e9).fit(log), log.matrix()
    tracemalloc.start()
    ease.learn(log, history)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    events = history.data.nbytes + history.indices.nbytes
    assert peak < 1e9 * ease.memory_gb + 4 * events  # which are few beside the pairs of videos


def test_a_regularization_that_is_lost_beside_the_counts_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"EASE cannot invert .* with λ = 1e-16; raise regularization"):
        EASE(regularization=1e-16).fit(everybody_watched_everything(3, 40))


@pytest.mark.parametrize("settings", [{"regularization": 0}, {"memory_gb": 0}, {"regularization": np.nan}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected regularization and memory_gb above 0"):
        EASE(**settings)
