"""One side of an online read: `python online_side.py make|read SIDE FOLDER [LENGTH]`; `read` prints seconds a slate.

FOLDER/given.npz holds ids, the values of each video and slates. It runs in Feast's environment too, so that it imports
what a side needs where it is needed.
"""

import json
import sqlite3
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Arrays

Floats = NDArray[np.float64]
Read = Callable[[list[str]], Floats]
WARM = 10
"""Slates that are read first and not timed."""


def store(kind: str, folder: Path) -> Any:
    """Open our store of a kind; in memory it is the saved one."""
    from benchmarks.video_features import VIDEO, table
    from mlsd_lab.features import MemoryStore, RedisStore, SqliteStore

    videos = table(len(given(folder)["ids"]))
    if kind == "redis":
        return RedisStore(f"unix://{folder}/socket", VIDEO, videos)
    if kind == "sqlite":
        return SqliteStore(folder / "features.db", VIDEO, videos)
    return MemoryStore.load(folder / "memory", VIDEO, videos)


def make_ours(kind: str, folder: Path) -> None:
    """Let a store absorb the stream."""
    from benchmarks.video_features import fill

    had, made = given(folder), store(kind, folder)
    fill(made, int(had["events"]), len(had["ids"]))
    made.close()


def moment(folder: Path) -> Any:
    """Return the time at which all is asked."""
    import pandas as pd

    return pd.Timestamp(int(given(folder)["as_of"]), unit="us", tz="UTC")


def ours(kind: str, folder: Path) -> Read:
    """Look a slate up."""
    opened, as_of = store(kind, folder), moment(folder)
    return lambda ids: opened.lookup("ann", ids, as_of).values


def snapshot(folder: Path) -> Read:
    """Look a slate up in a snapshot of the store in memory."""
    from mlsd_lab.features.stores.snapshot import Snapshot

    kept = Snapshot.of(store("memory", folder), given(folder)["ids"].tolist(), moment(folder))
    return lambda ids: kept.lookup(ids).values


def make_raw_sqlite(folder: Path) -> None:
    """Write a video's values as one blob a row, by its id."""
    had = given(folder)
    with sqlite3.connect(folder / "raw.db") as connection:
        connection.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID")
        rows = zip(had["ids"].tolist(), map(np.ndarray.tobytes, had["values"]), strict=True)
        connection.executemany("INSERT INTO rows VALUES (?, ?)", rows)
    connection.close()


def raw_sqlite(folder: Path) -> Read:
    """Fetch the blobs with one statement, and put them in the order of the slate."""
    connection, width = sqlite3.connect(folder / "raw.db"), given(folder)["values"].shape[1]

    def read(ids: list[str]) -> Floats:
        query = f"SELECT id, state FROM rows WHERE id IN ({','.join('?' * len(ids))})"
        found = dict(connection.execute(query, ids).fetchall())
        return np.frombuffer(b"".join([found[each] for each in ids])).reshape(-1, width)

    return read


def make_raw_redis(folder: Path) -> None:
    """Write a video's values as one field of a hash."""
    from redis import Redis

    had = given(folder)
    rows = dict(zip(had["ids"].tolist(), map(np.ndarray.tobytes, had["values"]), strict=True))
    Redis(unix_socket_path=f"{folder}/socket").hset("raw", mapping=rows)


def raw_redis(folder: Path) -> Read:
    """Fetch the fields with one HMGET."""
    from redis import Redis

    client, width = Redis(unix_socket_path=f"{folder}/socket"), given(folder)["values"].shape[1]
    return lambda ids: np.frombuffer(b"".join(client.hmget("raw", ids))).reshape(-1, width)  # type: ignore[arg-type]


def numpy_gather(folder: Path) -> Read:
    """Take rows of an array by a dictionary of ids."""
    had = given(folder)
    row, values = {each: at for at, each in enumerate(had["ids"].tolist())}, had["values"]
    return lambda ids: values[[*map(row.__getitem__, ids)]]


def make_feast(folder: Path) -> None:
    """Write the values into its online store; a file of rows must be there for the view to be declared."""
    import pandas as pd

    had = given(folder)
    rows = pd.DataFrame(had["values"], columns=had["columns"].tolist())
    rows = rows.assign(video_id=had["ids"].astype(object), event_timestamp=moment(folder))
    rows.to_parquet(folder / "rows.parquet")
    feast_store(folder).write_to_online_store("view", rows)


def feast(folder: Path) -> Read:
    """Ask the SDK for the slate, and make an array of its answer."""
    opened, columns = feast_store(folder), given(folder)["columns"].tolist()
    names = [f"view:{column}" for column in columns]

    def read(ids: list[str]) -> Floats:
        answer = opened.get_online_features(names, entity_rows=[{"video_id": each} for each in ids]).to_dict()
        return np.array([answer[column] for column in columns], dtype=np.float64).T

    return read


def feast_store(folder: Path) -> Any:
    """Open the repository, with SQLite for reads and without a time to live, which Feast takes by the wall clock."""
    from feast import ValueType

    from benchmarks.peers.feast import repository

    return repository(folder, "video_id", ValueType.STRING, given(folder)["columns"].tolist(), timedelta(0))


def given(folder: Path) -> Arrays:
    """Return what all sides share."""
    with np.load(folder / "given.npz", allow_pickle=False) as stored:
        return dict(stored)


MAKE: dict[str, Callable[[Path], None]] = {
    "sqlite": lambda folder: make_ours("sqlite", folder),
    "redis": lambda folder: make_ours("redis", folder),
    "raw_sqlite": make_raw_sqlite,
    "raw_redis": make_raw_redis,
    "feast": make_feast,
}
READ: dict[str, Callable[[Path], Read]] = {
    "memory": lambda folder: ours("memory", folder),
    "sqlite": lambda folder: ours("sqlite", folder),
    "redis": lambda folder: ours("redis", folder),
    "snapshot": snapshot,
    "raw_sqlite": raw_sqlite,
    "raw_redis": raw_redis,
    "numpy_gather": numpy_gather,
    "feast": feast,
}


PACKAGES = {"feast": ("feast", "pandas"), "raw_redis": ("redis",), "numpy_gather": ("numpy",)}


def timed(side: str, folder: Path, length: int) -> dict[str, Any]:
    """Read each slate's first so many videos; return the seconds of each, and whether all values were as given."""
    had, read = given(folder), READ[side](folder)
    slates = had["slates"][:, :length]
    seconds, wrong = [], 0
    for number, slate in enumerate([*slates[:WARM], *slates]):
        ids = had["ids"][slate].tolist()
        began = perf_counter()
        values = read(ids)
        if number >= WARM:
            seconds.append(perf_counter() - began)
        wrong += int((values.view(np.int64) != had["values"][slate].view(np.int64)).sum())
    return {"seconds": seconds, "wrong": wrong, "versions": {name: version(name) for name in PACKAGES.get(side, ())}}


if __name__ == "__main__":
    what, side, folder, *length = sys.argv[1:]
    if what == "make":
        MAKE[side](Path(folder))
    else:
        print(json.dumps(timed(side, Path(folder), int(length[0]))))
