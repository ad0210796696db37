from pathlib import Path

import pytest

from mlsd_lab.course.own_redis import own_redis
from mlsd_lab.errors import StorageError
from tests.needs import skip_or_fail
from tests.redis_server import binary


def test_without_the_program_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with own_redis() as url:
        assert url is None


def test_it_begins_empty_and_is_gone_after_the_block() -> None:
    redis = pytest.importorskip("redis")
    if binary() is None:
        skip_or_fail("redis-server is not here")
    for _ in range(2):
        with own_redis() as url:
            assert url is not None
            with redis.Redis.from_url(url) as client:
                assert client.dbsize() == 0
                client.set("a", 1)
        assert not Path(url.removeprefix("unix://")).exists()


def test_one_that_does_not_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("redis")
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(StorageError, match="expected redis-server to answer"), own_redis():
        pass
