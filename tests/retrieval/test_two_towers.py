import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import Retriever, TwoTowers
from mlsd_lab.retrieval.two_towers import TEMPERATURE, _unit
from tests.retrieval.retriever_contract import NEWCOMER, VIDEOS, RetrieverContract, a_log, lists


class TestTwoTowers(RetrieverContract):
    def make(self) -> Retriever:
        return TwoTowers(factors=4, epochs=3, batch=64)


def test_each_taste_is_told_from_the_other() -> None:
    log = a_log()
    found = TwoTowers(factors=8, epochs=40, batch=128).fit(log).retrieve(np.arange(40), 10, log.matrix())
    of_its_taste = (found.videos >= VIDEOS // 2) == (np.arange(40) % 2 == 1)[:, None]
    assert of_its_taste.mean() > 0.9


def test_the_step_is_that_of_the_numerical_gradient() -> None:
    rng = np.random.default_rng(0)
    users, videos = rng.normal(size=(5, 3)), rng.normal(size=(6, 3))
    pair = np.array([0, 1, 2, 1]), np.array([0, 3, 5, 0])
    offset = np.log(np.array([0.4, 0.1, 0.1, 0.2, 0.1, 0.1]))

    def loss(users: np.ndarray, videos: np.ndarray) -> float:
        total = 0.0
        for row, (user, video) in enumerate(zip(*pair, strict=True)):
            others = [v for at, v in enumerate(pair[1]) if at == row or v != video]
            unit = _unit(users)[0][user], _unit(videos)[0]
            logits = np.array([unit[0] @ unit[1][v] / TEMPERATURE - offset[v] for v in others])
            total -= unit[0] @ unit[1][video] / TEMPERATURE - offset[video] - np.log(np.exp(logits).sum())
        return total

    tables = [users.copy(), videos.copy()]
    huge = [
        np.full((len(t), 1), 1e12) for t in tables
    ]  # Adagrad's own square is nothing beside it: rate × gradient / 1e6
    model = TwoTowers(factors=3, rate=1.0)
    model._step(tables, huge, pair, offset)
    for at, before in enumerate((users, videos)):
        for row in range(len(before)):
            for column in range(3):
                nudged = [users.copy(), videos.copy()], [users.copy(), videos.copy()]
                nudged[0][at][row, column] += 1e-5
                nudged[1][at][row, column] -= 1e-5
                slope = (loss(*nudged[0]) - loss(*nudged[1])) / 2e-5
                assert (before - tables[at])[row, column] * 1e6 == pytest.approx(slope, abs=1e-3)


def test_without_the_correction_the_popular_are_pushed_down() -> None:
    rng = np.random.default_rng(0)
    videos = rng.choice(50, size=4_000, p=1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum())
    frame = pd.DataFrame({"user_id": rng.integers(0, 200, 4_000), "video_id": [f"{v:02d}" for v in videos]})
    log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    popularity = log.matrix().sum(axis=0).A1
    shown = [
        popularity[TwoTowers(8, 10, 256, logq=logq).fit(log).retrieve(np.arange(200), 10).videos].mean()
        for logq in (True, False)
    ]
    assert shown[0] > 2 * shown[1]  # nobody here has a taste: the popular are the best that can be shown


def test_a_newcomer_gets_an_empty_row_and_videos_without_events_come_last_or_not_at_all() -> None:
    found = TwoTowers(4, 2, 64).fit(a_log()).retrieve(np.array([NEWCOMER, 0]), VIDEOS + 1)
    assert (found.videos[0] == NOBODY).all()
    assert lists(found)[1][-1] == VIDEOS


def test_a_log_without_events_is_refused() -> None:
    log = a_log()
    with pytest.raises(DataError, match="expected events to learn from, found none"):
        TwoTowers().fit(log.with_events(log.events.iloc[:0]))


@pytest.mark.parametrize("settings", [{"factors": 0}, {"epochs": 0}, {"batch": 1}, {"rate": 0.0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected factors and epochs of 1 or more, batch of 2 or more"):
        TwoTowers(**settings)  # type: ignore[arg-type]
