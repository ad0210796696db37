import numpy as np

from mlsd_lab.features.stores.video_rows import VideoRows


def test_each_video_has_the_row_of_its_newest_mention_and_any_other_the_last() -> None:
    rows = VideoRows(["v0", "v1", "v0"])
    assert rows.of(["v0", "v1", "new", "v1"]).tolist() == [2, 1, -1, 1]
    assert "new" not in rows  # asking adds nothing
    assert rows.of([]).dtype == np.int64


def test_ids_that_are_no_texts_are_found_by_their_text() -> None:
    assert VideoRows(["7", "nan"]).of([7, np.str_("7"), float("nan"), None]).tolist() == [0, 0, 1, -1]  # type: ignore[list-item]
