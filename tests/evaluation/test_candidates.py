import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.evaluation.candidates import checked_users, members

FOUND = Candidates(np.array([[4, 2, 7], [1, NOBODY, NOBODY]]), np.array([[0.9, 0.5, 0.1], [3.0, -np.inf, -np.inf]]))


def test_other_widths_of_numbers_become_int32_and_float64() -> None:
    found = Candidates(np.array([[1, 2]], dtype=np.int64), np.array([[1, 0]], dtype=np.float32))
    assert found.videos.dtype == np.int32
    assert found.scores.dtype == np.float64


@pytest.mark.parametrize("code", [2**31, -(2**31) - 1, 2**40])
def test_a_code_beyond_int32_is_refused_and_not_wrapped_around(code: int) -> None:
    with pytest.raises(ConfigError, match=r"videos: expected codes within int32, up to 2,147,483,647, found"):
        Candidates(np.array([[0, code]]), np.zeros((1, 2)))


def test_codes_that_are_no_whole_numbers_are_refused() -> None:
    with pytest.raises(TypeError):
        Candidates(np.array([[1.5]]), np.array([[1.0]]))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 2)), ((2, 3), (3, 2)), ((3,), (3,)), ((1, 2, 3), (1, 2, 3))])
def test_videos_and_scores_have_one_shape_of_two_dimensions(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ConfigError, match=r"one shape \(users, k\)"):
        Candidates(np.zeros(shapes[0], dtype=np.int32), np.zeros(shapes[1]))


def test_head_cuts_and_is_not_longer_than_the_list() -> None:
    assert FOUND.head(2).videos.tolist() == [[4, 2], [1, NOBODY]]
    assert FOUND.head(2).scores.tolist() == [[0.9, 0.5], [3.0, -np.inf]]
    assert FOUND.head(9).videos.shape == (2, 3)


def test_kept_moves_scores_with_their_videos_and_fills_up() -> None:
    kept = FOUND.kept(np.array([[False, True, True], [False, True, True]]), k=2)
    assert kept.videos.tolist() == [[2, 7], [NOBODY, NOBODY]]
    assert kept.scores.tolist() == [[0.5, 0.1], [-np.inf, -np.inf]]


def test_marks_of_another_shape_are_refused_and_not_stretched() -> None:
    with pytest.raises(ConfigError, match=r"keep: expected shape \(2, 3\), as the candidates have, found \(1, 3\)"):
        FOUND.kept(np.array([[True, True, True]]), k=2)


ROWS = st.lists(st.permutations(range(6)), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(rows=ROWS, seen=st.lists(st.sets(st.integers(0, 5)), min_size=4, max_size=4), k=st.integers(1, 7))
def test_without_is_a_loop_that_leaves_out_what_was_seen(rows: list[list[int]], seen: list[set[int]], k: int) -> None:
    videos = np.array(rows)
    matrix = csr_matrix([[int(video in out) for video in range(6)] for out in seen[: len(rows)]])
    left = Candidates(videos, -videos.astype(np.float64)).without(matrix, k)
    for row, out, held, scores in zip(rows, seen, left.videos, left.scores, strict=False):
        expected = [video for video in row if video not in out][:k]
        assert [int(video) for video in held if video != NOBODY] == expected
        assert [-score for score in scores if np.isfinite(score)] == expected


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    asked=st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), min_size=1, max_size=4),
    held=st.lists(st.sets(st.integers(0, 4)), min_size=4, max_size=4),
)
def test_members_is_a_loop_over_sets_and_nobody_is_never_one(asked: list[list[int]], held: list[set[int]]) -> None:
    matrix = csr_matrix([[int(video in row) for video in range(5)] for row in held[: len(asked)]])
    expected = [[video in row for video in videos] for videos, row in zip(asked, held, strict=False)]
    assert members(np.array(asked, dtype=np.int32), matrix).tolist() == expected


def test_unsorted_and_repeated_entries_of_a_sparse_row_are_found() -> None:
    messy = csr_matrix((np.ones(4), np.array([3, 0, 3, 1]), np.array([0, 3, 4])), shape=(2, 4))
    asked = np.array([[0, 1, 3], [0, 1, 3]], dtype=np.int32)
    assert members(asked, messy).tolist() == [[True, False, True], [False, True, False]]


def test_a_matrix_held_by_column_is_read_by_row() -> None:
    square = csc_matrix([[0, 1], [0, 0]])  # square, so that a mix-up would show in the answer alone
    assert members(np.array([[0, 1], [0, 1]], dtype=np.int32), square).tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("code", [2, 3, -2])
def test_a_code_outside_the_matrix_is_refused_and_not_looked_up_in_the_next_row(code: int) -> None:
    with pytest.raises(ConfigError, match="videos: expected codes from 0 to 1"):
        members(np.array([[code], [0]], dtype=np.int32), csr_matrix([[0, 0], [1, 1]]))


def test_a_matrix_of_other_users_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a sparse row a user: 2, found 1"):
        FOUND.without(csr_matrix((1, 9)), k=2)


def test_the_matrix_of_candidates_has_a_one_for_each() -> None:
    assert FOUND.matrix(8).toarray().tolist() == [[0, 0, 1, 0, 1, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0, 0]]
    with pytest.raises(ConfigError, match="catalogue: expected more than 7"):
        FOUND.matrix(7)


def test_user_codes_are_whole_numbers_of_the_log() -> None:
    assert checked_users([2, 0, 2], number=3).tolist() == [2, 0, 2]
    assert checked_users([], number=0).tolist() == []
    for wrong in ([3], [-1], [0.0], [[0]]):
        with pytest.raises(ConfigError, match="users: expected"):
            checked_users(wrong, number=3)
