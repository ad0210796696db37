from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from mlsd_lab.errors import ArtifactError
from mlsd_lab.ranking import BoostedTrees
from mlsd_lab.ranking.model_file import save_model
from tests.ranking.ranker_contract import FEATURES, LABELS, MANY, RankerContract, bits

FITTED = HistGradientBoostingClassifier(max_iter=2).fit(FEATURES[["good"]].to_numpy(), LABELS)


class TestBoostedTrees(RankerContract):
    def make(self) -> BoostedTrees:
        return BoostedTrees(seed=3, trees=30)


def test_trees_are_those_of_scikit_learn_on_the_columns_with_values() -> None:
    plain = HistGradientBoostingClassifier(
        max_iter=20,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=12,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    used = FEATURES.drop(columns="empty").to_numpy()
    ours = BoostedTrees(seed=0, trees=20, learning_rate=0.1).fit(FEATURES, LABELS)
    assert ours.used_.tolist() == [0, 1, 2, 4]
    assert bits(ours.score(FEATURES.to_numpy())) == bits(plain.fit(used, LABELS).predict_proba(used)[:, 1])


def test_a_few_rows_are_enough_to_learn_from() -> None:
    ranker = BoostedTrees(trees=5).fit(FEATURES.iloc[:20], np.array([0.0, 1.0] * 10))
    assert len(ranker.score(MANY)) == len(MANY)


@pytest.mark.parametrize(
    "parts",
    [
        {"columns": ["a"], "used": [0], "model": FunctionTransformer(np.log)},
        {"columns": ["a"], "used": [0], "model": LogisticRegression()},
        {"columns": ["a"], "used": [0], "model": HistGradientBoostingClassifier()},
        {"columns": ["a"], "used": [0], "model": {}},
        {"columns": 5, "used": [0], "model": FITTED},
        {"columns": ["a"], "used": 3, "model": FITTED},
        {"columns": ["a"], "used": [1], "model": FITTED},
        {"columns": ["a"], "used": [-1], "model": FITTED},
        {"columns": ["a"], "used": [[0]], "model": FITTED},
        {"columns": ["a", "b"], "used": [0, 1], "model": FITTED},
    ],
    ids=lambda parts: f"{type(parts['model']).__name__}-{parts['columns']}-{parts['used']}",
)
def test_anything_but_fitted_trees_and_their_columns_is_refused(tmp_path: Path, parts: dict[str, Any]) -> None:
    save_model(tmp_path / "m.skops", parts)
    with pytest.raises(ArtifactError, match=r"m\.skops: expected boosted trees and their columns, found"):
        BoostedTrees.load(tmp_path / "m.skops")


@pytest.mark.parametrize("call", [FunctionTransformer(Path.touch), partial(Path.touch)], ids=["transformer", "partial"])
def test_a_model_that_would_call_a_function_is_refused(tmp_path: Path, call: object) -> None:
    save_model(tmp_path / "m.skops", {"columns": ["a"], "used": [0], "model": call})
    with pytest.raises(ArtifactError, match=r"m\.skops: holds a type that no model of ours has"):
        BoostedTrees.load(tmp_path / "m.skops")
