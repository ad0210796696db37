import pytest

from mlsd_lab.errors import DataError, StorageError
from mlsd_lab.ingestion.stream.redis_told import redis_told

redis = pytest.importorskip("redis")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (redis.RedisError("out of\n memory."), "cannot use the cache: out of memory. Make room"),
        (redis.TimeoutError(), "cannot use the cache: TimeoutError. Make room"),
        (ConnectionResetError("gone"), "cannot use the cache: gone. Make room"),
    ],
    ids=["several lines", "no words", "the network"],
)
def test_what_a_server_raises_is_one_sentence_and_what_to_do_next(raised: Exception, said: str) -> None:
    with pytest.raises(StorageError) as told, redis_told("the cache", "Make room"):
        raise raised
    assert str(told.value) == said
    assert told.value.__cause__ is raised


def test_what_is_not_of_the_server_goes_through() -> None:
    with pytest.raises(DataError), redis_told("the cache", "Make room"):
        raise DataError("ours")
