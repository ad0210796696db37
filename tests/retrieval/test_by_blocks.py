from threading import current_thread
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval import (
    AnnoyIndex,
    ByLengthIndex,
    ExactIndex,
    VectorIndex,
    annoy_index,
    by_blocks,
    by_length_index,
    exact_index,
)


def echo(rows: slice) -> Candidates:
    videos = np.arange(rows.start, rows.stop)[:, None] * np.array([[1, 10]])
    return Candidates(videos, -videos)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_rows_come_back_in_their_order_whatever_the_size_of_a_block(size: int) -> None:
    assert by_blocks.by_blocks(7, size, echo).videos.tolist() == [[row, 10 * row] for row in range(7)]


def test_no_rows_are_asked_for_once_so_that_the_answer_has_its_width() -> None:
    assert by_blocks.by_blocks(0, 5, echo).videos.shape == (0, 2)


def test_one_block_starts_no_thread() -> None:
    asked: list[str] = []

    def work(rows: slice) -> Candidates:
        asked.append(current_thread().name)
        return echo(rows)

    by_blocks.by_blocks(3, 3, work)
    assert asked == [current_thread().name]


def test_an_error_in_a_block_is_the_caller_s() -> None:
    def work(rows: slice) -> Candidates:
        raise ConfigError(f"row {rows.start}")

    with pytest.raises(ConfigError, match="row 0"):
        by_blocks.by_blocks(9, 2, work)


def test_indexes_find_the_same_in_blocks_and_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(300, 8)), rng.normal(size=(40, 8))
    indexes: list[VectorIndex] = [ExactIndex(vectors), AnnoyIndex.build(vectors, trees=5, search_k=50)]
    whole = [index.search(queries, 10) for index in indexes]
    monkeypatch.setattr(annoy_index, "_QUERIES", 3)
    monkeypatch.setattr(exact_index, "_BLOCK_BYTES", 3 * 8 * 300)
    for cores in (1, 4):
        monkeypatch.setattr(by_blocks, "_cores", lambda cores=cores: cores)
        for index, before in zip(indexes, whole, strict=True):
            found = index.search(queries, 10)
            assert found.videos.tolist() == before.videos.tolist()
            np.testing.assert_allclose(found.scores, before.scores, rtol=1e-12)


@pytest.mark.parametrize("module", [annoy_index, by_length_index])
def test_one_long_history_widens_the_lists_of_its_own_block_alone(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []

    def remembered(videos: NDArray[np.int32], scores: NDArray[np.float64]) -> Candidates:
        made.append((len(videos), videos.shape[1]))
        return Candidates(videos, scores)

    vectors, queries = np.random.default_rng(0).normal(size=(200, 6)), np.random.default_rng(1).normal(size=(15, 6))
    index: VectorIndex = AnnoyIndex.build(vectors) if module is annoy_index else ByLengthIndex(vectors)
    monkeypatch.setattr(module, "_QUERIES", 5)
    monkeypatch.setattr(module, "Candidates", remembered)
    found = index.search(queries, 10, csr_matrix(np.outer(np.arange(15) == 3, np.arange(200) < 90)))
    assert sorted(made) == [(5, 10), (5, 10), (5, 100)]
    assert found.videos.shape == (15, 10)
