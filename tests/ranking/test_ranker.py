import inspect
from pathlib import Path
from typing import get_type_hints

import pytest

from mlsd_lab.ranking import BoostedTrees, Logistic, Ranker
from tests.ranking.ranker_contract import FEATURES, LABELS, MANY, RankerContract
from tests.ranking.test_boosted_trees import TestBoostedTrees as ForTrees
from tests.ranking.test_logistic import TestLogistic as ForLogistic

METHODS = ("fit", "score", "save")


@pytest.mark.parametrize("ranker", [BoostedTrees(trees=2), Logistic()], ids=lambda ranker: type(ranker).__name__)
def test_ours_are_used_through_the_protocol_alone(ranker: Ranker, tmp_path: Path) -> None:
    fitted: Ranker = ranker.fit(FEATURES, LABELS)
    assert fitted.columns == tuple(FEATURES.columns)
    assert fitted.score(MANY).shape == (len(MANY),)
    fitted.save(tmp_path / fitted.FILE)
    assert [path.name for path in tmp_path.iterdir()] == [ranker.FILE]


@pytest.mark.parametrize("ours", [BoostedTrees, Logistic])
def test_their_methods_have_the_protocol_s_parameters(ours: type) -> None:
    for name in METHODS:
        expected = inspect.signature(getattr(Ranker, name)).parameters
        assert list(inspect.signature(getattr(ours, name)).parameters) == list(expected)
    assert {"columns", "FILE"} <= set(get_type_hints(Ranker))


def test_each_has_its_own_file_name_and_inherits_the_contract() -> None:
    assert BoostedTrees.FILE != Logistic.FILE
    assert issubclass(ForTrees, RankerContract)
    assert issubclass(ForLogistic, RankerContract)
