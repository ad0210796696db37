"""A feature, defined once: training, streaming and serving evaluate the same lines."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features.aggregate import SCALE, Aggregate, checked_aggregate

if TYPE_CHECKING:
    import pandas as pd

HOUR, DAY = 3_600_000_000, 86_400_000_000  # microseconds
_LIMIT = 2**62 // SCALE  # of one contribution


@dataclass(frozen=True)
class Window:
    """A span of stream time that ends exactly at `as_of` and begins at a tile's edge; without a length it is all time.

    >>> Window("7d", 7 * DAY, DAY).start(np.array([10 * DAY + 5])).tolist() == [3 * DAY]
    True
    """

    name: str
    length: int | None
    """Microseconds; None for all of the past."""
    tile: int
    """Microseconds of a tile: an hour up to two days, else a day."""

    def start(self, as_of: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return floor((as_of − length) / tile) × tile, in microseconds UTC; the lowest int64 for all of the past."""
        if self.length is None:
            return np.full(as_of.shape, np.iinfo(np.int64).min)
        return (as_of - self.length) // self.tile * self.tile


@dataclass(frozen=True)
class Windowed:
    """A stateless row function and how its values are summed up over windows of an entity's past.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> user_impressions.entity, user_impressions.meaning
    (('user_id',), 'Videos shown to the person.')
    """

    name: str
    entity: tuple[str, ...]
    windows: tuple[Window, ...]
    aggregate: Aggregate
    rows: Callable[["pd.DataFrame"], "pd.Series"]
    meaning: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its feature columns, one a window."""
        return tuple(f"{self.name}_{window.name}" for window in self.windows)

    def contributions(self, events: "pd.DataFrame") -> NDArray[np.int64]:
        """Evaluate the row function: shape (rows, 2), 1 and the value in units of 1/2**20; a null gives zeros."""
        returned = self.rows(events)
        try:
            value = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{self.name}: expected numbers, found {type(returned).__name__}") from None
        if value.shape != (len(events),):
            raise DataError(f"{self.name}: expected one value a row ({len(events)}), found shape {value.shape}")
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

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of its feature column."""
        return (self.name,)


def windowed(
    entity: str | Sequence[str], over: str | Sequence[str], aggregate: Any
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
    keys = (entity,) if isinstance(entity, str) else tuple(entity)
    checked = checked_aggregate(aggregate)
    over = (over,) if isinstance(over, str) else over
    if not over:
        raise ConfigError("over: expected one or more windows such as '7d'")
    windows = tuple(_window(name, day_tiles=len(keys) > 1) for name in over)

    def declare(rows: Callable[["pd.DataFrame"], "pd.Series"]) -> Windowed:
        return Windowed(rows.__name__, keys, windows, checked, rows, _meaning(rows))

    return declare


def derived(compute: Callable[..., Any]) -> Derived:
    """Declare a feature that is a function of columns, named by its parameters.

    There are `as_of`, `uploaded_at` (datetime64), `duration_seconds`, `retrieval_score`, and each windowed column.

    >>> @derived
    ... def video_age_days(as_of, uploaded_at):
    ...     "Days since the upload."
    ...     return (as_of - uploaded_at) / np.timedelta64(1, "D")
    >>> video_age_days.inputs
    ('as_of', 'uploaded_at')
    """
    return Derived(compute.__name__, tuple(inspect.signature(compute).parameters), compute, _meaning(compute))


def source(function: Callable[..., Any]) -> str:
    """Return what a function says, without decorators, docstring, comments and layout; empty where there is no source.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> print(source(user_impressions.rows))
    def user_impressions(events: pd.DataFrame) -> pd.Series:
        return events.relevant
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):  # typed at a prompt, or not a Python function
        return ""
    (written,) = tree.body
    if isinstance(written, ast.FunctionDef):
        written.decorator_list = []
        written.body = written.body[ast.get_docstring(written) is not None :]
    return ast.unparse(written)


def _meaning(function: Callable[..., Any]) -> str:
    meaning = inspect.getdoc(function)
    if not meaning:
        raise ConfigError(f"{function.__name__}: expected a docstring that says what the feature means, found none")
    return meaning


def _window(name: str, day_tiles: bool) -> Window:
    if name == "all":
        return Window(name, None, DAY)
    match = re.fullmatch(r"([1-9]\d*)([hd])", name)
    if not match:
        raise ConfigError(f"window: expected a number of hours or days such as '6h' or '7d', or 'all', found {name!r}")
    length = int(match[1]) * (HOUR if match[2] == "h" else DAY)
    tile = DAY if day_tiles or length > 2 * DAY else HOUR
    if length % tile:
        raise ConfigError(f"window {name!r}: expected whole days, since it is kept in tiles of a day")
    return Window(name, length, tile)
