"""Time splits, metrics with intervals, and the baselines that every system is compared with."""

from mlsd_lab.evaluation.candidates import NOBODY, Candidates
from mlsd_lab.evaluation.estimate import Estimate, compare, estimate, mean_of
from mlsd_lab.evaluation.popularity import Popular
from mlsd_lab.evaluation.probability import auc, calibration_error, grouped_auc, log_loss
from mlsd_lab.evaluation.ranking_score import RankingScore, compare_ndcg
from mlsd_lab.evaluation.split import Split, by_day, leave_last_out, make_split, shuffled
from mlsd_lab.evaluation.spread import coverage, exposure_gini, novelty
from mlsd_lab.evaluation.topk import TopK

__all__ = [
    "NOBODY",
    "Candidates",
    "Estimate",
    "Popular",
    "RankingScore",
    "Split",
    "TopK",
    "auc",
    "by_day",
    "calibration_error",
    "compare",
    "compare_ndcg",
    "coverage",
    "estimate",
    "exposure_gini",
    "grouped_auc",
    "leave_last_out",
    "log_loss",
    "make_split",
    "mean_of",
    "novelty",
    "shuffled",
]
