import pytest

from mlsd_lab.course.stored import stored
from mlsd_lab.errors import ConfigError


def test_a_stored_row_says_what_when_where_and_how_to_repeat_it() -> None:
    row = stored("windowed_features_10m")
    assert row.seconds == row.row["ours"]["median"]
    for part in (" s, duckdb", "× ours", "Measured on", "cores; again: python -m benchmarks run windowed_features_10m"):
        assert part in repr(row)


def test_a_row_without_a_peer_has_no_ratio() -> None:
    assert "×" not in repr(stored("world_generation_1e6"))


def test_a_name_that_was_not_measured_is_refused_with_those_that_were() -> None:
    with pytest.raises(ConfigError, match=r"expected a benchmark of .*metrics.*, found 'metricks'"):
        stored("metricks")
