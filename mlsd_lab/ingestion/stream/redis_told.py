"""What a Redis server raises, as a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlsd_lab.errors import StorageError


@contextmanager
def redis_told(name: str, advice: str) -> Iterator[None]:
    """Raise `StorageError` for what the client or the network raises: who cannot be used, why, and what to do next.

    Needs the extra `redis` when it is entered.

    >>> callable(redis_told)
    True
    """
    import redis

    try:
        yield
    except (redis.RedisError, OSError) as error:
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise StorageError(f"cannot use {name}: {said}. {advice}") from error
