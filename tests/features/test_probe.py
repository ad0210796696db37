from mlsd_lab.features.definition import CONTEXT
from mlsd_lab.features.probe import probe_events
from mlsd_lab.features.timeline import READ, stream
from tests.features.streams import seeded_log


def test_the_probe_has_every_column_that_a_feature_may_read() -> None:
    assert {*stream(seeded_log(5)).columns, *READ, *CONTEXT} == {*probe_events().columns}


def test_columns_that_may_be_null_are_so_in_some_row_and_not_in_all() -> None:
    nulls = probe_events().isna().mean()
    never = {"user_id", "video_id", "occurred_at", "known_at", "as_of"}
    assert {name for name, share in nulls.items() if not 0 < share < 1} == never


def test_whoever_changes_a_probe_changes_only_their_own() -> None:
    mine = probe_events()
    mine.loc[:, "relevant"] = 7
    assert probe_events()["relevant"].max() == 1
