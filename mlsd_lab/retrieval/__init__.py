"""Candidate generation: sources of candidates, and the search over their vectors."""

from mlsd_lab.retrieval.als import ALS
from mlsd_lab.retrieval.annoy_index import AnnoyIndex
from mlsd_lab.retrieval.backfill import Backfill
from mlsd_lab.retrieval.blend import Blend, Blended, blended
from mlsd_lab.retrieval.by_length_index import ByLengthIndex
from mlsd_lab.retrieval.choice import Choice, SearchBudget, choose
from mlsd_lab.retrieval.content import Content
from mlsd_lab.retrieval.content_tower import ContentTower
from mlsd_lab.retrieval.crossover import Crossover, crossover
from mlsd_lab.retrieval.ease import EASE
from mlsd_lab.retrieval.exact_index import ExactIndex
from mlsd_lab.retrieval.filtered_index import FilteredIndex
from mlsd_lab.retrieval.first_stage import FirstStage
from mlsd_lab.retrieval.fresh import Fresh
from mlsd_lab.retrieval.frontier import Frontier, Way, frontier, usual_ways
from mlsd_lab.retrieval.hnsw_index import HNSWIndex
from mlsd_lab.retrieval.item_knn import ItemKNN
from mlsd_lab.retrieval.retriever import Retriever
from mlsd_lab.retrieval.tuning import Trial, Tuning, tune
from mlsd_lab.retrieval.two_towers import TwoTowers
from mlsd_lab.retrieval.vector_index import VectorIndex
from mlsd_lab.retrieval.with_new import WithNew

__all__ = [
    "ALS",
    "EASE",
    "AnnoyIndex",
    "Backfill",
    "Blend",
    "Blended",
    "ByLengthIndex",
    "Choice",
    "Content",
    "ContentTower",
    "Crossover",
    "ExactIndex",
    "FilteredIndex",
    "FirstStage",
    "Fresh",
    "Frontier",
    "HNSWIndex",
    "ItemKNN",
    "Retriever",
    "SearchBudget",
    "Trial",
    "Tuning",
    "TwoTowers",
    "VectorIndex",
    "Way",
    "WithNew",
    "blended",
    "choose",
    "crossover",
    "frontier",
    "tune",
    "usual_ways",
]
