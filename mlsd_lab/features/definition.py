"""A feature, defined once: training, streaming and serving evaluate the same lines."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features.about import About
from mlsd_lab.features.aggregate import SCALE, Aggregate, checked_aggregate
from mlsd_lab.features.lazy_rows import LazyRows
from mlsd_lab.features.past import Entity
from mlsd_lab.features.window import Window

if TYPE_CHECKING:
    import pandas as pd

CONTEXT = ("as_of", "uploaded_at", "duration_seconds", "retrieval_score")
"""What a derived feature may read beside columns."""
_LIMIT = 2**62 // SCALE  # of one contribution


@dataclass(frozen=True)
class Windowed:
    """A stateless row function and how its values are summed up over windows of an entity's past.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> user_impressions.entity, user_impressions.meaning
    (('user_id',), 'Videos shown to the person.')
    """

    name: str
    entity: Entity
    windows: tuple[Window, ...]
    aggregate: Aggregate
    rows: Callable[["pd.DataFrame"], "pd.Series"]
    meaning: str
    about: About

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of its feature columns, one a window."""
        return tuple(f"{self.name}_{window.name}" for window in self.windows)

    def contributions(self, events: "pd.DataFrame") -> NDArray[np.int64]:
        """Evaluate the row function: shape (rows, 2), 1 and the value in units of 1/2**20; a null gives zeros."""
        value = _row_values(self.name, self.rows, events)
        known = ~np.isnan(value)
        if not (np.abs(value[known]) < _LIMIT).all():
            raise DataError(
                f"{self.name}: expected finite values below {_LIMIT:.0e}, found {np.abs(value[known]).max()}"
            )
        contributions = np.empty((len(value), 2), dtype=np.int64)
        contributions[:, 0] = known
        contributions[:, 1] = np.rint(np.where(known, value, 0.0) * SCALE)
        return contributions


@dataclass(frozen=True)
class Last:
    """A stateless row function of which the entity's newest event is read, whatever it is: also a null.

    >>> @last(entity="user_id")
    ... def last_position(events):
    ...     "Where on the slate the person's newest video stood, from 0."
    ...     return events.position
    >>> last_position.columns
    ('last_position',)
    """

    name: str
    entity: Entity
    rows: Callable[["pd.DataFrame"], "pd.Series"]
    meaning: str
    about: About

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of its feature column."""
        return (self.name,)

    def values(self, events: "pd.DataFrame") -> NDArray[np.float64]:
        """Evaluate the row function: a value a row, NaN for a null."""
        value = _row_values(self.name, self.rows, events)
        if np.isinf(value).any():
            raise DataError(f"{self.name}: expected finite values, found infinity")
        return np.where(np.isnan(value), np.nan, value)  # one NaN for all: their bits are kept


@dataclass(frozen=True)
class Derived:
    """A function of columns (its parameters' names), evaluated on arrays with a value a candidate.

    >>> from mlsd_lab.features.feed import video_age_days
    >>> video_age_days.columns, video_age_days.inputs
    (('video_age_days',), ('as_of', 'uploaded_at'))
    """

    name: str
    inputs: tuple[str, ...]
    compute: Callable[..., Any]
    meaning: str
    about: About

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of its feature column."""
        return (self.name,)


Feature = Windowed | Last | Derived


def windowed(
    entity: str | Sequence[str], over: str | Sequence[str], aggregate: Any, about: About | None = None
) -> Callable[[Callable[["pd.DataFrame"], "pd.Series"]], Windowed]:
    """Declare a windowed feature: of which entity, over which windows (`"1h"`, `"7d"`, `"all"`), aggregated how.

    The function gets events (rows as in the stream, with their video's columns) and returns a value a row; a null
    contributes to neither sum nor count. A window ends exactly at `as_of` and begins at the edge of an hour in UTC, of
    a day when it is longer than two days or its entity has several columns: "1d" spans 24 to 25 hours.
    Raises `ConfigError` for an aggregate that cannot forget, such as max.

    >>> from mlsd_lab.features import Mean
    >>> @windowed(entity="user_id", over=("1d", "7d"), aggregate=Mean)
    ... def user_completion(watches):
    ...     "Share of each video watched, 0 to 1."
    ...     return (watches.watch_seconds / watches.duration_seconds.where(watches.duration_seconds > 0)).clip(0, 1)
    >>> user_completion.columns
    ('user_completion_1d', 'user_completion_7d')
    """
    keys = _entity(entity)
    checked = checked_aggregate(aggregate)
    over = (over,) if isinstance(over, str) else over
    if not over:
        raise ConfigError("over: expected one or more windows such as '7d'")
    windows = tuple(Window.named(name, day_tiles=len(keys) > 1) for name in over)

    def declare(rows: Callable[["pd.DataFrame"], "pd.Series"]) -> Windowed:
        return Windowed(rows.__name__, keys, windows, checked, rows, _meaning(rows), about or About())

    return declare


def last(
    entity: str | Sequence[str], about: About | None = None
) -> Callable[[Callable[["pd.DataFrame"], "pd.Series"]], Last]:
    """Declare a feature that is read from an entity's newest event, without a sum: see `Last`.

    >>> @last("video_id", about=About(time_to_live="7d"))
    ... def seconds_last_watched(events):
    ...     "How long the newest person watched the video."
    ...     return events.watch_seconds
    >>> seconds_last_watched.entity
    ('video_id',)
    """

    def declare(rows: Callable[["pd.DataFrame"], "pd.Series"]) -> Last:
        return Last(rows.__name__, _entity(entity), rows, _meaning(rows), about or About())

    return declare


@overload
def derived(compute: Callable[..., Any]) -> Derived: ...


@overload
def derived(*, about: About | None = None) -> Callable[[Callable[..., Any]], Derived]: ...


def derived(compute: Callable[..., Any] | None = None, *, about: About | None = None) -> Any:
    """Declare a feature that is a function of columns, named by its parameters.

    There are `as_of`, `uploaded_at` (datetime64), `duration_seconds`, `retrieval_score`, and each other column.

    >>> @derived
    ... def video_age_days(as_of, uploaded_at):
    ...     "Days since the upload."
    ...     return (as_of - uploaded_at) / np.timedelta64(1, "D")
    >>> video_age_days.inputs
    ('as_of', 'uploaded_at')
    """

    def declare(compute: Callable[..., Any]) -> Derived:
        inputs = tuple(inspect.signature(compute).parameters)
        return Derived(compute.__name__, inputs, compute, _meaning(compute), about or About())

    return declare if compute is None else declare(compute)


def _row_values(
    name: str, rows: Callable[["pd.DataFrame"], "pd.Series"], events: "pd.DataFrame"
) -> NDArray[np.float64]:
    returned = rows(LazyRows.of(events))
    try:
        value = np.asarray(returned, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name}: expected numbers, found {type(returned).__name__}") from None
    if value.shape != (len(events),):
        raise DataError(f"{name}: expected one value a row ({len(events)}), found shape {value.shape}")
    return value


def _entity(entity: str | Sequence[str]) -> Entity:
    return (entity,) if isinstance(entity, str) else tuple(entity)


def _meaning(function: Callable[..., Any]) -> str:
    meaning = inspect.getdoc(function)
    if not meaning:
        raise ConfigError(f"{function.__name__}: expected a docstring that says what the feature means, found none")
    return meaning
