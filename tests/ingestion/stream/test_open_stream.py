from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.ingestion.stream.open_stream import open_stream
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests import needs


def test_a_path_is_a_file(tmp_path: Path) -> None:
    stream = open_stream(str(tmp_path / "s.db"))
    assert isinstance(stream, SqliteStream)
    stream.close()
    assert (tmp_path / "s.db").is_file()


def test_a_url_of_redis_is_a_server() -> None:
    needs.redis()
    with pytest.raises(StorageError, match=r"cannot use redis://127\.0\.0\.1:9/0, stream 'clicks'"):
        open_stream("redis://127.0.0.1:9/0", "clicks")


def test_another_url_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError, match=r"found kafka://broker:9092$"):
        open_stream("kafka://app:secret@broker:9092")
