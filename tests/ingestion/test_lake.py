from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.ingestion.lake import SHAPES, Lake
from mlsd_lab.ingestion.parsing import connect


def test_a_lake_is_made_table_by_table_as_each_is_used(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert not any(map(lake.has, SHAPES))
    for name in SHAPES:
        assert lake.table(name).rows == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SHAPES)


def test_a_table_that_is_not_there_is_read_as_empty_and_not_made(tmp_path: Path) -> None:
    connection = connect()
    Lake(tmp_path).view(connection, "events", "found")
    assert connection.execute("SELECT * FROM found").fetchall() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a lake", "l'été", 'quo"te', "a*?", "湖", "a{b}", "a;b", "~x"])
def test_a_folder_of_any_name_works(name: str, tmp_path: Path) -> None:
    lake, connection = Lake(tmp_path / name), connect()
    row = "SELECT 'ann' AS user, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS erased_at"
    lake.table("erased").append(connection, row, {})
    lake.table("erased").append(connection, row, {})
    lake.view(connection, "erased", "found")
    assert connection.execute("SELECT count(*) FROM found").fetchall() == [(2,)]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["50%20off", "[x]", "a^b", "a|b", "a\\b"])
def test_a_name_that_delta_would_misread_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"without . in its path"):
        Lake(tmp_path / name)


@pytest.mark.parametrize("root", ["gs://bucket/lake", "s3://", "http://127.0.0.1/lake"])
def test_another_kind_of_address_is_refused(root: str) -> None:
    with pytest.raises(ConfigError, match="--lake: expected"):
        Lake(root)


def test_where_no_lake_is_the_sentence_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="mlsd-lab ingest --lake"):
        Lake(tmp_path).require()
