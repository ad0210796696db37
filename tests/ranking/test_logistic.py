from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlsd_lab.errors import ArtifactError
from mlsd_lab.ranking import Logistic
from tests.ranking.ranker_contract import FEATURES, LABELS, RankerContract

PARTS: dict[str, Any] = {"columns": ["a"], "mean": np.zeros(1), "scale": np.ones(1), "weights": np.zeros(2)}


class TestLogistic(RankerContract):
    def make(self) -> Logistic:
        return Logistic()


def test_probabilities_are_scikit_learn_s_where_nothing_is_missing() -> None:
    features = FEATURES[["good"]].assign(square=FEATURES.good**2)
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, LABELS)
    ours = Logistic().fit(features, LABELS).score(features.to_numpy())
    assert ours == pytest.approx(plain.predict_proba(features)[:, 1], abs=1e-6)


def test_a_missing_value_stands_at_its_column_s_mean() -> None:
    features = FEATURES[["good", "seconds"]]
    ranker = Logistic().fit(features, LABELS)
    filled = SimpleImputer().fit_transform(features)
    assert ranker.score(features.to_numpy()) == pytest.approx(ranker.score(filled), abs=1e-12)


def test_a_stronger_prior_pulls_probabilities_toward_the_mean() -> None:
    spread = [
        Logistic(strength).fit(FEATURES, LABELS).score(FEATURES.to_numpy()).std() for strength in (1e-4, 1e-2, 1.0)
    ]
    assert spread == sorted(spread)


def test_a_value_far_from_all_that_was_seen_has_a_certain_answer() -> None:
    ranker = Logistic().fit(FEATURES[["good"]], LABELS)
    assert ranker.score(np.array([[-1e300], [1e300]])).tolist() == [0.0, 1.0]


def test_rounding_in_a_constant_column_is_no_spread() -> None:
    constants = np.array([0.1, 0.3, 0.7, -1e6 / 3, 0.0, 1e-12])
    rows = pd.DataFrame(np.tile(constants, (1000, 1))).add_prefix("constant ")
    ranker = Logistic().fit(rows, np.array([0.0, 1.0] * 500))
    assert (ranker.mean_ != constants).any()  # else nothing was rounded
    assert ranker.scale_.tolist() == [1.0] * 6
    assert ranker.score(rows.to_numpy()[:1] + 0.1) == pytest.approx([0.5])


@pytest.mark.parametrize(
    "changed",
    [
        {"mean": np.zeros(2)},
        {"scale": np.ones((1, 1))},
        {"weights": np.zeros(1)},
        {"weights": np.zeros(2, dtype=np.float32)},
        {"mean": np.array(["0"])},
        {"columns": ["a", "b"]},
        {"columns": []},
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    np.savez(tmp_path / "m.npz", **{**PARTS, **changed})
    with pytest.raises(ArtifactError, match=r"m\.npz: (mean|scale|weights): expected float64 of shape"):
        Logistic.load(tmp_path / "m.npz")


@pytest.mark.parametrize("name", ["columns", "weights"])
def test_arrays_of_objects_which_would_be_pickles_are_refused(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "m.npz", **{**PARTS, name: np.array([{}], dtype=object)})
    with pytest.raises(ArtifactError, match=r"m\.npz: expected arrays columns, mean, scale, weights, found none"):
        Logistic.load(tmp_path / "m.npz")


@pytest.mark.parametrize("name", ["columns", "mean", "scale", "weights"])
def test_a_missing_array_is_refused(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "m.npz", **{other: array for other, array in PARTS.items() if other != name})
    with pytest.raises(ArtifactError, match=r"m\.npz: expected arrays"):
        Logistic.load(tmp_path / "m.npz")
