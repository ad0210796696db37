"""A store by its place, beside those of other versions of the catalogue."""

from pathlib import Path

import pandas as pd

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.features.stores.memory_store import MemoryStore
from mlsd_lab.features.stores.redis_store import RedisStore
from mlsd_lab.features.stores.sqlite_store import SqliteStore
from mlsd_lab.ingestion.stream.redis_stream import RedisStream

_SERVERS = "redis://", "rediss://", "unix://"


def open_store(place: str | Path, catalogue: Catalogue, videos: pd.DataFrame, filled: bool = False) -> KeyedStore:
    """Return the catalogue's store at a place: "memory", a folder of stores, or `redis://HOST:PORT/NUMBER`.

    A place has room for many: each is named by its catalogue's label, so that a new version gets a store of its own and
    the old one serves on until a model moves. One that is not there is begun, empty; with `filled` that is refused, for
    who reads would get an empty past for everybody.

    >>> import tempfile
    >>> from mlsd_lab.features.feed import FEED
    >>> videos = pd.DataFrame({"video_id": ["v"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for version in ("1", "2"):
    ...         open_store(folder, Catalogue("feed", version, FEED.features), videos).close()
    ...     [path.name[:7] for path in sorted(Path(folder).glob("*.db"))]
    ['feed-1-', 'feed-2-']
    """
    text = str(place)
    if text == "memory":
        return _checked(MemoryStore(catalogue, videos), filled, text, [])
    if text.startswith(_SERVERS):
        server = RedisStore(text, catalogue, videos, catalogue.label)
        return _checked(server, filled, RedisStream.address(text), server.names() if filled else [])
    if "://" in text or not text:
        shown = RedisStream.address(text) if text else "nothing"
        raise ConfigError(f"--store: expected memory, a folder or redis://HOST:PORT/NUMBER, found {shown}")
    folder = Path(text).expanduser()
    if folder.is_file():
        raise ConfigError(
            f"--store: expected a folder in which each version has its file, found the file {folder}; name its folder"
        )
    beside, file = sorted(path.stem for path in folder.glob("*.db")), folder / f"{catalogue.label}.db"
    if filled and not file.exists():
        raise _nothing_there(catalogue, text, beside)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {folder}: {error.strerror or error}. Choose another place") from error
    return _checked(SqliteStore(file, catalogue, videos), filled, text, beside)


def _checked(store: KeyedStore, filled: bool, place: str, beside: list[str]) -> KeyedStore:
    if filled and store.position == 0:
        store.close()
        raise _nothing_there(store.catalogue, place, beside)
    return store


def _nothing_there(catalogue: Catalogue, place: str, beside: list[str]) -> ConfigError:
    others = [name for name in beside if name != catalogue.label]
    found = f"stores of other definitions: {', '.join(others)}" if others else "none"
    return ConfigError(
        f"{place}: expected a store of {catalogue.label} that has absorbed events, found {found}; "
        "fill it with mlsd-lab features backfill, or use the catalogue that the other was made with"
    )
