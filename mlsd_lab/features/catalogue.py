"""The features of one model, in their order, with a fingerprint that tells two catalogues apart."""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features.definition import DAY, Derived, Windowed, source

if TYPE_CHECKING:
    import pandas as pd

MOST_TILES = 64  # an entity keeps online, over all its windows
CONTEXT = ("as_of", "uploaded_at", "duration_seconds", "retrieval_score")
Entity = tuple[str, ...]
Totals = dict[str, NDArray[np.int64]]
"""For each windowed column, int64 of shape (rows, 2): count and fixed-point total of its window."""


class Catalogue:
    """Windowed and derived features under one name and version.

    `columns` are the model's inputs, float64, in this order. The `fingerprint` covers the declared version, every
    declaration, each function's source, and its values on a fixed probe table. It does not see what a function takes
    from outside itself (a global, a helper): change the version with that. A row function that looks beyond its row
    (a mean of the column, a shift) is refused, since it would see the future.

    >>> from mlsd_lab.features.feed import FEED
    >>> FEED.columns[:2], len(FEED.fingerprint)
    (('user_impressions_1d', 'user_impressions_7d'), 64)
    """

    def __init__(self, name: str, version: str, features: Sequence[Windowed | Derived]) -> None:
        self.name, self.version = name, version
        self.windowed = tuple(feature for feature in features if isinstance(feature, Windowed))
        self.derived = tuple(feature for feature in features if isinstance(feature, Derived))
        ordered: tuple[Windowed | Derived, ...] = (*self.windowed, *self.derived)
        self.columns = tuple(column for feature in ordered for column in feature.columns)
        self.entities: dict[Entity, tuple[Windowed, ...]] = {}
        for feature in self.windowed:
            self.entities[feature.entity] = (*self.entities.get(feature.entity, ()), feature)
        self._check()

    @property
    def fingerprint(self) -> str:
        """SHA-256, as 64 hexadecimal digits."""
        probe = probe_events()
        windows = [
            [
                f.name,
                f.entity,
                f.columns,
                [w.tile for w in f.windows],
                repr(f.aggregate),
                f.contributions(probe).tolist(),
                source(f.rows),
            ]
            for f in self.windowed
        ]
        context = {name: probe[name].to_numpy() for name in CONTEXT}
        columns = {column: np.linspace(0, 1, len(probe)) for column in self.columns}
        derived = [
            [f.name, f.inputs, _texts(f.compute(*({**columns, **context}[n] for n in f.inputs))), source(f.compute)]
            for f in self.derived
        ]
        text = json.dumps([self.name, self.version, windows, derived])
        return hashlib.sha256(text.encode()).hexdigest()

    def assemble(self, totals: Totals, context: dict[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Return the feature matrix (rows, columns) from window totals and context arrays: the one way to make it.

        Raises `DataError` when a derived feature gives an infinite value, or neither one value nor one a row.
        """
        values: dict[str, NDArray[Any]] = {}
        for feature in self.windowed:
            for column in feature.columns:
                values[column] = feature.aggregate.finish(totals[column][:, 0], totals[column][:, 1])
        for derived in self.derived:
            inputs = [context[name] if name in context else values[name] for name in derived.inputs]
            value = np.asarray(derived.compute(*inputs), dtype=np.float64)
            if value.shape not in ((), (rows,)):
                raise DataError(f"{derived.name}: expected one value a row ({rows}), found shape {value.shape}")
            values[derived.name] = np.broadcast_to(value, (rows,))
            if np.isinf(values[derived.name]).any():
                raise DataError(f"{derived.name}: expected finite values or NaN, found infinity")
        return np.stack([values[column] for column in self.columns], axis=1) if self.columns else np.empty((rows, 0))

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a feature column: entity, window, aggregate and meaning."""
        import pandas as pd

        rows = [
            (column, " × ".join(f.entity), window.name, repr(f.aggregate), f.meaning)
            for f in self.windowed
            for column, window in zip(f.columns, f.windows, strict=True)
        ]
        rows += [(f.name, "", "", f"function of {', '.join(f.inputs)}", f.meaning) for f in self.derived]
        return pd.DataFrame(rows, columns=["column", "entity", "window", "how", "meaning"])

    def _check(self) -> None:
        repeated = {column for column in self.columns if self.columns.count(column) > 1}
        if repeated:
            raise ConfigError(f"catalogue {self.name}: expected each column once, found {sorted(repeated)[0]!r} twice")
        probe = probe_events()
        for feature in self.windowed:
            alone = np.concatenate([feature.contributions(probe.iloc[[row]]) for row in range(len(probe))])
            if (alone != feature.contributions(probe)).any():
                raise ConfigError(
                    f"{feature.name}: expected a value that depends on its own row alone, found one that changes with "
                    "the rows beside it; an aggregate belongs into `aggregate=`"
                )
        known = [*CONTEXT, *(column for feature in self.windowed for column in feature.columns)]
        for derived in self.derived:
            missing = [name for name in derived.inputs if name not in known]
            if missing:
                raise ConfigError(f"{derived.name}: expected inputs among {', '.join(known)}; found {missing[0]!r}")
            known.append(derived.name)
        for entity, features in self.entities.items():
            lengths = {(w.tile, w.length) for f in features for w in f.windows if w.length is not None}
            tiles = sum(
                max(length // tile for t, length in lengths if t == tile) + 1 for tile in {t for t, _ in lengths}
            )
            if tiles > MOST_TILES:
                raise ConfigError(
                    f"catalogue {self.name}: the windows of {' × '.join(entity)} need {tiles} tiles, "
                    f"an entity keeps at most {MOST_TILES}; use shorter windows, or fewer kinds"
                )


def probe_events() -> "pd.DataFrame":
    """Return a fixed table of events with every column that a feature may read, nulls among them.

    >>> len(probe_events())
    5
    """
    import pandas as pd

    times = pd.to_datetime(np.arange(5) * DAY * 3 // 2, unit="us", utc=True).astype("datetime64[us, UTC]")
    naive = times.tz_localize(None).to_numpy()
    return pd.DataFrame(
        {
            "user_id": ["a", "a", "b", "b", "c"],
            "video_id": ["x", "y", "x", "z", "y"],
            "topic": ["t", None, "t", "s", None],
            "creator_id": ["p", "q", "p", None, "q"],
            "surface": ["home", "home", None, "search", "home"],
            "occurred_at": times,
            "known_at": times,
            "as_of": naive + np.timedelta64(90, "m"),
            "uploaded_at": np.where(np.arange(5) == 3, np.datetime64("NaT", "us"), naive - np.timedelta64(36, "h")),
            "duration_seconds": [10.0, 0.0, np.nan, 59.5, 3600.0],
            "watch_seconds": [7.5, 3.0, np.nan, 80.0, 0.0],
            "retrieval_score": [0.1, -2.0, np.nan, 0.0, 3.5],
            "rating": [4.0, np.nan, 0.5, 5.0, 3.0],
            "position": [0.0, 1.0, np.nan, 3.0, 4.0],
            "relevant": [1.0, 0.0, np.nan, 1.0, 0.0],
            "clicked": [1.0, 0.0, np.nan, 1.0, 1.0],
            "long_view": [1.0, 0.0, np.nan, 0.0, 1.0],
            "liked": [0.0, 0.0, np.nan, 1.0, 0.0],
        }
    )


def _texts(values: Any) -> list[str]:
    return [f"{float(value):.9g}" for value in np.atleast_1d(np.asarray(values, dtype=np.float64))]
