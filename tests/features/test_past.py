import numpy as np

from mlsd_lab.features.past import Past

PAST = Past(
    {"views_1d": np.array([[1, 5], [2, 6]])}, {"last": np.array([0.5, np.nan])}, {("user_id",): np.array([7, 8])}
)


def test_two_pasts_are_joined_and_neither_is_changed() -> None:
    other = Past({"clicks_1d": np.array([[3, 3], [4, 4]])}, newest={("video_id",): np.array([1, 2])})
    both = PAST | other
    assert list(both.totals) == ["views_1d", "clicks_1d"]
    assert list(both.newest) == [("user_id",), ("video_id",)]
    assert list(PAST.totals) == ["views_1d"]
