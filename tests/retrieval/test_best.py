import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval.best import best, best_stored

ROWS = st.lists(st.lists(st.integers(-2, 3), min_size=7, max_size=7), min_size=1, max_size=4)
EXCLUDED = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=12)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(rows=ROWS, excluded=EXCLUDED, k=st.integers(1, 9))
def test_the_best_are_those_of_a_plain_sort_and_sparse_ones_the_positive_among_them(
    rows: list[list[int]], excluded: list[tuple[int, int]], k: int
) -> None:
    out = np.zeros((len(rows), 7))
    for row, video in excluded:
        out[row % len(rows), video] = 1
    dense = best(np.array(rows, dtype=np.float64), k, csr_matrix(out))
    stored = best_stored(csr_matrix(np.array(rows, dtype=np.float64)), k, csr_matrix(out))
    for at, scores in enumerate(rows):
        left = sorted((v for v in range(7) if not out[at, v]), key=lambda v: (-scores[v], v))
        assert [v for v in dense.videos[at].tolist() if v != NOBODY] == left[:k]
        assert [v for v in stored.videos[at].tolist() if v != NOBODY] == [v for v in left if scores[v] > 0][:k]
        assert (
            stored.scores[at][np.isfinite(stored.scores[at])].tolist() == [scores[v] for v in left if scores[v] > 0][:k]
        )


def test_rows_without_scores_stay_empty() -> None:
    assert best_stored(csr_matrix((2, 3)), 2).videos.tolist() == [[NOBODY, NOBODY]] * 2
    assert best(np.full((1, 3), -np.inf), 2).videos.tolist() == [[NOBODY, NOBODY]]
