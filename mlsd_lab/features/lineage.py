"""Which source columns a feature is made of, seen from what its function reads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsd_lab.errors import ConfigError
from mlsd_lab.features.definition import CONTEXT, Last, Windowed
from mlsd_lab.features.probe import probe_events

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.features.catalogue import Catalogue

_TABLES = dict.fromkeys(("as_of", "retrieval_score"), "request")
_TABLES |= dict.fromkeys(("creator_id", "topic", "duration_seconds", "uploaded_at"), "videos")
_RULED = {"events.relevant": ("events.long_view", "events.rating", "events.clicked")}  # one of these, by the data set


@dataclass(frozen=True)
class Lineage:
    """From source columns to features, and on to features that are made of features.

    A source column is one of `events` or `videos`, or comes with the `request`. The columns of a feature's key count as
    read; `known_at`, which places every event in its windows, is not named.

    >>> from mlsd_lab.features.feed import FEED
    >>> lineage = FEED.lineage()
    >>> lineage.reads["user_completion_7d"]
    ('events.user_id', 'events.watch_seconds', 'videos.duration_seconds')
    >>> lineage.feeds("watch_seconds")
    ('user_completion_7d', 'video_completion_7d')
    """

    reads: dict[str, tuple[str, ...]]
    """By feature column: the source columns under it, through all that lies between."""
    inputs: dict[str, tuple[str, ...]]
    """By derived column: the feature columns that it is made of at first hand."""

    @classmethod
    def of(cls, catalogue: "Catalogue") -> "Lineage":
        """Watch each row function read the probe; what a derived feature reads, its parameters say."""
        probe = probe_events()
        reads: dict[str, set[str]] = {}
        for feature in catalogue.observed:
            names = {_named(name) for name in (*feature.entity, *_read_by(feature, probe))}
            reads |= dict.fromkeys(feature.columns, names)
        for derived in catalogue.derived:
            under = [{_named(name)} if name in CONTEXT else reads[name] for name in derived.inputs]
            reads[derived.name] = set().union(*under)
        inputs = {f.name: tuple(name for name in f.inputs if name not in CONTEXT) for f in catalogue.derived}
        return cls({column: tuple(sorted(names)) for column, names in reads.items()}, inputs)

    def feeds(self, source: str) -> tuple[str, ...]:
        """Return the feature columns that are made of a source column, such as "watch_seconds" or "videos.topic".

        What makes an event relevant the data set says, so each column that may do so feeds what reads `relevant`.
        """
        known = {_named(name) for name in probe_events()} - {"events.known_at"}
        wanted = source if "." in source else _named(source)
        if wanted not in known.union(*self.reads.values()):
            raise ConfigError(f"expected a source column, one of {', '.join(sorted(known))}; found {source!r}")
        under = {wanted, *(made for made, columns in _RULED.items() if wanted in columns)}
        return tuple(column for column, names in self.reads.items() if not under.isdisjoint(names))

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each source column and each feature column that it feeds."""
        import pandas as pd

        rows = [(source, column) for column, sources in self.reads.items() for source in sources]
        return pd.DataFrame(rows, columns=["source", "column"]).sort_values("source", kind="stable", ignore_index=True)


def _named(name: str) -> str:
    return f"{_TABLES.get(name, 'events')}.{name}"


def _read_by(feature: Windowed | Last, probe: "pd.DataFrame") -> set[str]:
    """Return the columns that a row function asks for by name, and those without which it gives something else."""
    read: set[str] = set()
    feature.rows(_watched(probe, read))
    whole = _values(feature, probe)
    for name in set(probe) - read:
        try:
            without = _values(feature, probe.drop(columns=name))
        except Exception:  # whatever a function says that misses a column
            read.add(name)
        else:
            if not np.array_equal(without, whole, equal_nan=True):
                read.add(name)
    return read.intersection(probe)


def _values(feature: Windowed | Last, events: "pd.DataFrame") -> Any:
    return feature.contributions(events) if isinstance(feature, Windowed) else feature.values(events)


def _watched(table: "pd.DataFrame", read: set[str]) -> "pd.DataFrame":
    """Return a table that notes which columns are asked for by name, also of what is made of it."""
    import pandas as pd

    class Watched(pd.DataFrame):
        @property
        def _constructor(self) -> Any:
            return Watched

        def __getitem__(self, key: Any) -> Any:
            read.update(name for name in (key if isinstance(key, list) else [key]) if isinstance(name, str))
            return super().__getitem__(key)

        def eval(self, expr: str, **options: Any) -> Any:  # which would ask for every column
            return pd.DataFrame(self).eval(expr, **options)

    return Watched(table)
