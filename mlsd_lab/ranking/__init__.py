"""The second stage: examples to learn from, and rankers."""

from mlsd_lab.ranking.boosted_trees import BoostedTrees
from mlsd_lab.ranking.examples import Examples, from_candidates, from_exposures
from mlsd_lab.ranking.logistic import Logistic
from mlsd_lab.ranking.ranker import Ranker
from mlsd_lab.ranking.second_stage import SecondStage, learn_second_stage

__all__ = [
    "BoostedTrees",
    "Examples",
    "Logistic",
    "Ranker",
    "SecondStage",
    "from_candidates",
    "from_exposures",
    "learn_second_stage",
]
