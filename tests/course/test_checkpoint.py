import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlsd_lab.datasets
from mlsd_lab.course import checkpoint
from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval import ALS


@pytest.fixture(autouse=True)
def small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of 20 people and 30 films in the place of MovieLens."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user_id": rng.integers(0, 20, 200), "video_id": rng.integers(0, 30, 200)})
    log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    monkeypatch.setattr(mlsd_lab.datasets, "load", lambda _: log)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[ALS]:
    """The models that were fitted, one an entry."""
    fitted: list[ALS] = []
    fit = ALS.fit

    def counted(als: ALS, log: Log) -> ALS:
        fitted.append(als)
        return fit(als, log)

    monkeypatch.setattr(ALS, "fit", counted)
    return fitted


def test_without_a_folder_it_is_made_and_not_kept(tmp_path: Path) -> None:
    stages: list[str] = []
    found = checkpoint("00", lambda stage, _: stages.append(stage))
    assert stages == ["load", "fit ALS", "build the index", "ready"]
    assert found.index.size == len(found.log.videos) == len(found.popular.order_)
    assert repr(found).startswith("checkpoint 00: 200 events of 20 people and 30 videos; ALS with 64 numbers a vector")
    assert "damaged" not in repr(found)
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_answers_the_same_and_is_not_fitted_again(course: Path, fits: list[ALS]) -> None:
    made, read = checkpoint("00"), checkpoint("00")
    assert len(fits) == 1
    assert (course / "checkpoints" / "00" / "manifest.json").is_file()
    users = np.arange(20)
    for one, other in ((made.als, read.als), (made.als.searched_by(made.index), read.als.searched_by(read.index))):
        np.testing.assert_array_equal(one.retrieve(users, 5).videos, other.retrieve(users, 5).videos)
    assert repr(made) == repr(read)


@pytest.mark.parametrize("name", ["als.npz", "index/index.ann", "manifest.json", "index/manifest.json"])
def test_a_damaged_one_is_refused_and_made_anew(course: Path, fits: list[ALS], name: str) -> None:
    checkpoint("00")
    damaged = course / "checkpoints" / "00" / name
    damaged.write_bytes(damaged.read_bytes()[:-3] + b"xyz")
    assert "is damaged, so it was made anew: " in repr(checkpoint("00"))
    assert len(fits) == 2
    assert checkpoint("00").said == ""


def test_one_of_another_version_is_made_anew_without_a_word(course: Path, fits: list[ALS]) -> None:
    checkpoint("00")
    manifest = course / "checkpoints" / "00" / "manifest.json"
    stated = json.loads(manifest.read_text(encoding="utf-8"))
    stated["facts"]["settings"]["version"] = "0.0.1"
    manifest.write_text(json.dumps(stated), encoding="utf-8")
    assert checkpoint("00").said == ""
    assert len(fits) == 2


def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="expected a checkpoint of 00, found '04'"):
        checkpoint("04")
