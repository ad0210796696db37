"""The features of one model, in their order, with a fingerprint that tells two catalogues apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features.definition import CONTEXT, Derived, Feature, Last, Windowed
from mlsd_lab.features.described import columns_frame, described
from mlsd_lab.features.fingerprint import fingerprint
from mlsd_lab.features.lineage import Lineage
from mlsd_lab.features.needed import needed
from mlsd_lab.features.past import NEVER, Entity, Past
from mlsd_lab.features.probe import probe_events

if TYPE_CHECKING:
    import pandas as pd

MOST_TILES = 64  # an entity keeps online, over all its windows


@dataclass(frozen=True)
class Values:
    """A feature matrix, and how many of its values stand there for want of a better one.

    >>> Values(np.array([[0.5]]), expired=np.array([0]), defaulted=np.array([1])).matrix.shape
    (1, 1)
    """

    matrix: NDArray[np.float64]
    """Shape (rows, columns)."""
    expired: NDArray[np.int64]
    """Of each row: outlived their time to live; the default stands there, or NaN."""
    defaulted: NDArray[np.int64]
    """Of each row: were none, and became the default."""


class Catalogue:
    """Windowed, last and derived features under one name and version.

    `columns` are the model's inputs, float64, in this order. The `fingerprint` covers the declared version, every
    declaration, each function's source, and its values on a fixed probe table. It does not see what a function takes
    from outside itself (a global, a helper): change the version with that. A row function that looks beyond its row
    (a mean of the column, a shift) is refused, since it would see the future.

    >>> from mlsd_lab.features.feed import FEED
    >>> FEED.columns[:2], len(FEED.fingerprint)
    (('user_impressions_1d', 'user_impressions_7d'), 64)
    """

    def __init__(self, name: str, version: str, features: Sequence[Feature]) -> None:
        self.name, self.version = name, version
        self.windowed = tuple(feature for feature in features if isinstance(feature, Windowed))
        self.last = tuple(feature for feature in features if isinstance(feature, Last))
        self.derived = tuple(feature for feature in features if isinstance(feature, Derived))
        self.features: tuple[Feature, ...] = (*self.windowed, *self.last, *self.derived)
        self.columns = tuple(column for feature in self.features for column in feature.columns)
        self.entities: dict[Entity, tuple[Windowed | Last, ...]] = {}
        self.observed: tuple[Windowed | Last, ...] = (*self.windowed, *self.last)
        for feature in self.observed:
            self.entities[feature.entity] = (*self.entities.get(feature.entity, ()), feature)
        self._check()

    @property
    def personal(self) -> frozenset[str]:
        """Columns that are personal data: so declared, or, where nothing is declared, kept by user or made of such."""
        found = {"retrieval_score"}
        for feature in self.features:
            if isinstance(feature, Derived):
                careful = not found.isdisjoint(feature.inputs)
            else:
                careful = "user_id" in feature.entity
            if careful if feature.about.personal is None else feature.about.personal:
                found.update(feature.columns)
        return frozenset(found.intersection(self.columns))

    @property
    def fingerprint(self) -> str:
        """SHA-256, as 64 hexadecimal digits."""
        return fingerprint(self)

    @property
    def label(self) -> str:
        """Name, version and the first digits of the fingerprint, fit to name a file or a key."""
        return re.sub(r"[^\w.-]+", "_", f"{self.name[:30]}-{self.version[:12]}-{self.fingerprint[:12]}")

    def entities_of(self, columns: Sequence[str]) -> tuple[Entity, ...]:
        """Return the entities of whose past some columns are made; raises `ConfigError` for a column not here."""
        unknown = [column for column in columns if column not in self.columns]
        if unknown:
            raise ConfigError(f"columns: expected some of catalogue {self.name}, found {unknown[0]!r}")
        read = needed(columns, self.derived)
        return tuple(entity for entity, made in self.entities.items() if any(read & {*f.columns} for f in made))

    def assemble(
        self, past: Past, context: dict[str, NDArray[Any]], rows: int, columns: Sequence[str] | None = None
    ) -> Values:
        """Return the feature matrix from what is known and context arrays: the one way to make it.

        Of some `columns`, in their order, nothing is computed that they are not made of, and nothing else is counted.
        Raises `DataError` when a derived feature gives an infinite value, or neither one value nor one a row.
        """
        wanted = self.columns if columns is None else tuple(columns)
        read = needed(wanted, self.derived)
        values: dict[str, NDArray[Any]] = {}
        expired, defaulted = np.zeros((2, rows), dtype=np.int64)
        for feature in self.features:
            for column in [column for column in feature.columns if column in read]:
                if isinstance(feature, Windowed):
                    total = past.totals[column]
                    value = feature.aggregate.finish(total[:, 0], total[:, 1])
                elif isinstance(feature, Last):
                    value = past.last[column]
                else:
                    value = _computed(feature, values, context, rows)
                if _has_rules(feature):
                    old = _outlived(feature, past, context, rows)
                    missing = np.isnan(value) & ~old & (feature.about.default is not None)
                    value = np.where(old | missing, np.nan if (d := feature.about.default) is None else d, value)
                    if column in wanted:
                        expired, defaulted = expired + old, defaulted + missing
                values[column] = value
        matrix = np.empty((rows, len(wanted)))
        for at, column in enumerate(wanted):
            matrix[:, at] = values[column]
        return Values(matrix, expired, defaulted)

    def lineage(self) -> Lineage:
        """Return which source columns each feature is made of, and which features a source column feeds."""
        return Lineage.of(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a feature column: what it is, who answers for it, what it means, what it reads."""
        return columns_frame(described(self))

    def _check(self) -> None:
        repeated = {column for column in self.columns if self.columns.count(column) > 1}
        if repeated:
            raise ConfigError(f"catalogue {self.name}: expected each column once, found {sorted(repeated)[0]!r} twice")
        if taken := [column for column in self.columns if column in CONTEXT]:
            raise ConfigError(
                f"catalogue {self.name}: {taken[0]!r} is what a request brings; name the feature otherwise"
            )
        probe = probe_events()
        for feature in self.observed:
            read: Any = feature.contributions if isinstance(feature, Windowed) else feature.values
            alone = np.concatenate([read(probe.iloc[[row]].reset_index(drop=True)) for row in range(len(probe))])
            if not np.array_equal(alone, read(probe), equal_nan=True):
                raise ConfigError(
                    f"{feature.name}: expected a value that depends on its own row alone, found one that changes with "
                    "the rows beside it; an aggregate belongs into `aggregate=`"
                )
        known = [*CONTEXT, *(column for f in self.observed for column in f.columns)]
        for derived in self.derived:
            if derived.about.time_to_live is not None:
                raise ConfigError(f"{derived.name}: expected a time to live on what it is made of, found it here")
            missing = [name for name in derived.inputs if name not in known]
            if missing:
                raise ConfigError(f"{derived.name}: expected inputs among {', '.join(known)}; found {missing[0]!r}")
            known.append(derived.name)
        for entity, features in self.entities.items():
            windows = [w for f in features if isinstance(f, Windowed) for w in f.windows]
            lengths = {(w.tile, w.length) for w in windows if w.length is not None}
            tiles = sum(
                max(length // tile for t, length in lengths if t == tile) + 1 for tile in {t for t, _ in lengths}
            )
            if tiles > MOST_TILES:
                raise ConfigError(
                    f"catalogue {self.name}: the windows of {' × '.join(entity)} need {tiles} tiles, "
                    f"an entity keeps at most {MOST_TILES}; use shorter windows, or fewer kinds"
                )


def _has_rules(feature: Feature) -> bool:
    return feature.about.default is not None or feature.about.time_to_live is not None


def _outlived(feature: Feature, past: Past, context: dict[str, NDArray[Any]], rows: int) -> NDArray[np.bool_]:
    """Tell where the entity's newest event is longer ago than the feature's time to live; not where there is none."""
    lives = feature.about.time_to_live_us
    if lives is None or isinstance(feature, Derived):
        return np.zeros(rows, dtype=bool)
    newest = past.newest[feature.entity]
    old: NDArray[np.bool_] = (newest != NEVER) & (newest < context["as_of"].astype(np.int64) - lives)
    return old


def _computed(
    feature: Derived, values: dict[str, NDArray[Any]], context: dict[str, NDArray[Any]], rows: int
) -> NDArray[np.float64]:
    inputs = [context[name] if name in context else values[name] for name in feature.inputs]
    value = np.asarray(feature.compute(*inputs), dtype=np.float64)
    if value.shape not in ((), (rows,)):
        raise DataError(f"{feature.name}: expected one value a row ({rows}), found shape {value.shape}")
    if np.isinf(value).any():
        raise DataError(f"{feature.name}: expected finite values or NaN, found infinity")
    return np.broadcast_to(value, (rows,))
