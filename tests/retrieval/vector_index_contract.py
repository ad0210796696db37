"""What every search over vectors must do; a test class inherits `VectorIndexContract` and says how to make one."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import VectorIndex

VECTORS = np.random.default_rng(0).normal(size=(200, 6))
QUERIES = np.random.default_rng(1).normal(size=(15, 6))


class VectorIndexContract:
    """The index scores by inner product and, at this size, looks at every vector."""

    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def index(cls) -> VectorIndex:
        return cls().make(VECTORS)

    @pytest.mark.parametrize("k", [1, 10, 200])
    def test_the_best_are_those_of_a_loop_over_all_inner_products(self, index: VectorIndex, k: int) -> None:
        found = index.search(QUERIES, k)
        for query, videos, scores in zip(QUERIES, found.videos, found.scores, strict=True):
            products = [float(np.dot(query, vector)) for vector in VECTORS]
            best = sorted(range(200), key=lambda video: -products[video])[:k]
            assert videos.tolist() == best
            assert scores == pytest.approx([products[video] for video in best], abs=1e-5)

    def test_what_is_excluded_never_comes_and_others_take_its_place(self, index: VectorIndex) -> None:
        best = index.search(QUERIES, 30).videos
        rows = np.repeat(np.arange(15), 10)
        exclude = csr_matrix((np.ones(150), (rows, best[:, :10].ravel())), shape=(15, 200))
        assert index.search(QUERIES, 20, exclude).videos.tolist() == best[:, 10:].tolist()

    def test_each_query_has_its_own_exclusions(self, index: VectorIndex) -> None:
        best = index.search(QUERIES[:1], 2).videos[0]
        exclude = csr_matrix((np.ones(1), ([0], [best[0]])), shape=(2, 200))
        found = index.search(np.repeat(QUERIES[:1], 2, axis=0), 1, exclude)
        assert found.videos.ravel().tolist() == [best[1], best[0]]

    def test_more_than_the_catalogue_gives_the_catalogue(self, index: VectorIndex) -> None:
        found = index.search(QUERIES, 1000)
        assert found.videos.shape == (15, 200)
        assert (np.sort(found.videos, axis=1) == np.arange(200)).all()

    def test_a_row_with_everything_excluded_is_empty(self, index: VectorIndex) -> None:
        found = index.search(QUERIES[:1], 3, csr_matrix(np.ones((1, 200))))
        assert (found.videos == NOBODY).all()
        assert np.isneginf(found.scores).all()

    def test_no_queries_give_no_rows(self, index: VectorIndex) -> None:
        assert index.search(np.empty((0, 6)), 3, csr_matrix((0, 200))).videos.shape[0] == 0

    def test_an_index_of_one_vector_answers(self) -> None:
        assert self.make(np.array([[2.0]])).search(np.array([[3.0]]), 5).videos.tolist() == [[0]]

    def test_equal_vectors_are_each_found_once(self) -> None:
        found = self.make(np.ones((50, 3))).search(np.ones((1, 3)), 50)
        assert sorted(found.videos[0].tolist()) == list(range(50))

    def test_size_and_dimension_are_those_of_the_vectors(self, index: VectorIndex) -> None:
        assert (index.size, index.dimension) == (200, 6)

    def test_its_bytes_are_counted_and_hold_the_vectors(self, index: VectorIndex) -> None:
        assert 200 * 6 * 4 <= index.nbytes < 1_000_000

    def test_the_vectors_given_are_copied_or_left_as_they_are(self) -> None:
        vectors = VECTORS.copy()
        self.make(vectors).search(QUERIES, 3, csr_matrix(np.eye(15, 200)))
        assert (vectors == VECTORS).all()

    def test_a_query_of_another_dimension_is_refused(self, index: VectorIndex) -> None:
        with pytest.raises(ConfigError, match=r"expected vectors of dimension 6, as the index has, found 5"):
            index.search(QUERIES[:, :5], 3)

    def test_a_query_that_is_no_table_is_refused(self, index: VectorIndex) -> None:
        with pytest.raises(DataError, match=r"expected shape \(rows, dimension\), found \(6,\)"):
            index.search(QUERIES[0], 3)

    @pytest.mark.parametrize("k", [0, -3])
    def test_k_below_one_is_refused(self, index: VectorIndex, k: int) -> None:
        with pytest.raises(ConfigError, match=rf"k: expected 1 or more, found {k}"):
            index.search(QUERIES, k)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_query_that_is_not_finite_is_refused(self, index: VectorIndex, bad: float) -> None:
        queries = QUERIES.copy()
        queries[4, 2] = bad
        with pytest.raises(DataError, match=rf"expected finite numbers, found {bad} in row 4"):
            index.search(queries, 3)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_vectors_that_are_not_finite_are_refused(self, bad: float) -> None:
        vectors = VECTORS.copy()
        vectors[17, 5] = bad
        with pytest.raises(DataError, match=rf"expected finite numbers, found {bad} in row 17"):
            self.make(vectors)

    @pytest.mark.parametrize("shape", [(14, 200), (16, 200), (15, 199), (15, 201)])
    def test_exclusions_of_another_shape_are_refused(self, index: VectorIndex, shape: tuple[int, int]) -> None:
        with pytest.raises(ConfigError, match=r"exclude: expected shape \(15, 200\)"):
            index.search(QUERIES, 3, csr_matrix(shape))
