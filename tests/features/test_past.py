import numpy as np

from mlsd_lab.features.past import Past

PAST = Past(
    {"views_1d": np.array([[1, 5], [2, 6]])}, {"last": np.array([0.5, np.nan])}, {("user_id",): np.array([7, 8])}
)


def test_rows_are_taken_from_everything_that_is_known() -> None:
    found = PAST.at(np.array([1, 0, 1]))
    assert found.totals["views_1d"].tolist() == [[2, 6], [1, 5], [2, 6]]
    np.testing.assert_array_equal(found.last["last"], [np.nan, 0.5, np.nan])
    assert found.newest["user_id",].tolist() == [8, 7, 8]


def test_two_pasts_are_joined_and_neither_is_changed() -> None:
    other = Past({"clicks_1d": np.array([[3, 3], [4, 4]])}, newest={("video_id",): np.array([1, 2])})
    both = PAST | other
    assert list(both.totals) == ["views_1d", "clicks_1d"]
    assert list(both.newest) == [("user_id",), ("video_id",)]
    assert list(PAST.totals) == ["views_1d"]
