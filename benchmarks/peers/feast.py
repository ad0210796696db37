# /// script
# requires-python = ">=3.11"
# dependencies = ["feast==0.67.0", "numpy>=2"]
# ///
"""Feast: a view with a time to live over a Parquet file, joined by its file store to each label."""

import atexit
import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

from benchmarks.child import Arrays, timed


def repository(folder: Path, key: str, kind: ValueType, columns: list[str], live: timedelta) -> FeatureStore:
    """Return a store with one view, `view`, whose rows are expected in FOLDER/rows.parquet; nothing leaves the folder.

    A time to live of 0 is none.
    """
    entity = Entity(name=key, join_keys=[key], value_type=kind)
    source = FileSource(path=str(folder / "rows.parquet"), timestamp_field="event_timestamp")
    fields = [Field(name=column, dtype=Float64) for column in columns]
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": "dask"},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    store.apply([entity, FeatureView(name="view", entities=[entity], ttl=live, schema=fields, source=source)])
    return store


def prepare(given: Arrays) -> tuple[FeatureStore, pd.DataFrame]:
    """Write the rows, and return the store and the labels, with their numbers."""
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder)
    known_at, as_of = (pd.to_datetime(given[name], unit="us", utc=True) for name in ("known_at", "as_of"))
    rows = pd.DataFrame({"user_id": given["user"], "event_timestamp": known_at, "value": given["value"]})
    rows.to_parquet(folder / "rows.parquet")
    labels = {"user_id": given["label_user"], "event_timestamp": as_of, "row": np.arange(len(as_of))}
    return repository(folder, "user_id", ValueType.INT64, ["value"], timedelta(days=7)), pd.DataFrame(labels)


def work(given: tuple[FeatureStore, pd.DataFrame]) -> Arrays:
    """Return each label's value, NaN for one that Feast leaves out."""
    store, labels = given
    joined = store.get_historical_features(labels, ["view:value"]).to_df()
    found = np.full(len(labels), np.nan)
    found[joined["row"]] = joined["value"]
    return {"value": found}


if __name__ == "__main__":
    timed(work, "feast", "numpy", "pandas", prepare=prepare)
