"""The audit of serving against training: each served value recomputed at the position it was answered from."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.about import HOUR
from mlsd_lab.features.skew import QUANTILES, Skew
from mlsd_lab.features.timeline import ASKED, Timeline, complete, microseconds

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_EXAMPLES = 5


def audit(timeline: Timeline, served: pd.DataFrame | Iterable[pd.DataFrame], ties_known: bool = True) -> Skew:
    """Compare each feature of a served log with its value recomputed offline at `position_absorbed`.

    `served` has a row a video shown or ranked: `user_id`, `video_id`, `as_of`, `position_absorbed`, `tile`, the context
    that features read (`surface`, `retrieval_score`) and the catalogue's columns as they were served; with
    `newest_known_at` beside it, a position that does not hold in this log is noticed, and found again by that time.
    Rows may come in any order, and in pieces: then memory is that of a piece and 16 bytes a row.
    Say `ties_known=False` where events known in the same microsecond may have been absorbed in another order than the
    timeline's, as those of a lake: at a position between such events, what they could have changed and does not agree
    is not compared.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> timeline = Timeline(FEED, log)
    >>> rows = pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "as_of": time[1:], "position_absorbed": [0]})
    >>> rows["tile"] = rows.as_of.astype("int64") // 3_600_000_000
    >>> skew = audit(timeline, rows.join(timeline.features(rows, np.array([0]))))
    >>> skew.compared == len(FEED.columns), skew.mismatched, skew.stale > 0
    (True, 0, True)
    >>> skew.lag.loc[1.0].tolist()
    [86400.0, 1.0]
    """
    found = _Found(timeline, ties_known)
    for piece in [served] if isinstance(served, pd.DataFrame) else served:
        found.add(piece)
    return found.skew()


class _Found:
    """The counts so far."""

    def __init__(self, timeline: Timeline, ties_known: bool) -> None:
        self._timeline, self._ties_known = timeline, ties_known
        self._columns = list(timeline.catalogue.columns)
        self._rows = self._moved = 0
        self._compared, self._mismatched, self._stale = np.zeros((3, len(self._columns)), dtype=np.int64)
        self._largest = np.full(len(self._columns), np.nan)
        self._lags: list[Ints] = []
        self._examples: list[pd.DataFrame] = []

    def add(self, served: pd.DataFrame) -> None:
        complete(served, (*ASKED, "position_absorbed", "tile", *self._columns), "served")
        values = served[self._columns].to_numpy(np.float64)
        now = self._timeline.position(served["as_of"])
        position, moved = _placed(self._timeline, served, now)
        recomputed = self._timeline.features(served, position).to_numpy()
        fresh = self._timeline.features(served, now).to_numpy()
        wrong = _differs(values, recomputed)
        unsure = np.zeros_like(wrong) if self._ties_known else self._unsure(served, position, moved, wrong)
        wrong &= ~unsure
        self._rows += len(served)
        self._moved += int(moved.sum())
        self._compared += (~unsure).sum(axis=0)
        self._mismatched += wrong.sum(axis=0)
        self._stale += _differs(recomputed, fresh).sum(axis=0)
        with np.errstate(over="ignore"):
            gap = np.fmax.reduce(np.where(wrong, np.abs(values - recomputed), np.nan), axis=0, initial=np.nan)
        self._largest = np.fmax(self._largest, gap)
        self._lags.append(self._lag(served, position, now))
        self._keep_examples(served, values, recomputed, wrong)

    def skew(self) -> Skew:
        counts = {"compared": self._compared, "mismatched": self._mismatched, "stale": self._stale}
        features = pd.DataFrame(counts | {"largest_difference": self._largest}, index=self._columns)
        lags = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self._lags])
        at = np.quantile(lags, QUANTILES, axis=0, method="higher") if len(lags) else np.zeros((len(QUANTILES), 2))
        lag = pd.DataFrame({"seconds": at[:, 0] / 1e6, "events": at[:, 1].astype(np.int64)}, index=QUANTILES)
        examples = pd.concat(self._examples, ignore_index=True) if self._examples else _example_rows(pd.DataFrame())
        return Skew(self._rows, self._moved, features, lag.rename_axis("quantile"), examples.head(_EXAMPLES))

    def _lag(self, served: pd.DataFrame, position: Ints, now: Ints) -> Ints:
        """Return microseconds since the first event became known that was not absorbed, and how many those are."""
        known_at, behind = self._timeline.known_at, np.maximum(now - position, 0)
        waits = np.zeros(len(served), dtype=np.int64)
        late = behind > 0
        waits[late] = microseconds(served["as_of"]).astype(np.int64)[late] - known_at[position[late]]
        return np.stack([waits, behind], axis=1)

    def _unsure(self, served: pd.DataFrame, position: Ints, moved: Flags, wrong: Flags) -> Flags:
        """Tell which wrong values the events could have changed that became known together with the newest absorbed."""
        known_at = self._timeline.known_at
        unsure = np.zeros_like(wrong)
        at = np.flatnonzero(wrong.any(axis=1) & (position > 0))
        tied = known_at[position[at] - 1]
        first, behind = (np.searchsorted(known_at, tied, side) for side in ("left", "right"))
        between = (behind - first > 1) & ((position[at] < behind) | moved[at])
        if between.any():
            rows = served.iloc[at[between]]
            before, after = (self._timeline.features(rows, edge[between]).to_numpy() for edge in (first, behind))
            unsure[at[between]] = wrong[at[between]] & _differs(before, after)
        return unsure

    def _keep_examples(
        self, served: pd.DataFrame, values: NDArray[np.float64], recomputed: NDArray[np.float64], wrong: Flags
    ) -> None:
        row, column = (where[:_EXAMPLES] for where in np.nonzero(wrong))
        if len(row) and sum(map(len, self._examples)) < _EXAMPLES:
            table = _example_rows(served.iloc[row])
            table["column"] = [self._columns[c] for c in column]
            self._examples.append(table.assign(served=values[row, column], recomputed=recomputed[row, column]))


def _example_rows(served: pd.DataFrame) -> pd.DataFrame:
    facts = {name: served[name].to_numpy() if name in served else None for name in ("request_id", "video_id")}
    return pd.DataFrame(
        {"row": served.index.to_numpy(), **facts, "column": None, "served": np.nan, "recomputed": np.nan}
    )


def _placed(timeline: Timeline, served: pd.DataFrame, now: Ints) -> tuple[Ints, Flags]:
    """Return the position at which each row is recomputed, and whether what the row says of it does not hold here."""
    said, known_at = served["position_absorbed"].to_numpy(np.int64), timeline.known_at
    moved: Flags = served["tile"].to_numpy(np.int64) != microseconds(served["as_of"]).astype(np.int64) // HOUR
    moved |= said > now  # no store answers for a moment before its newest event
    if "newest_known_at" not in served:
        return said, moved
    newest = microseconds(served["newest_known_at"]).astype(np.int64)  # NaT is the lowest int64, as for no event
    inside = (said > 0) & (said <= len(known_at))
    never = np.iinfo(np.int64).min
    there = np.where(inside, known_at[np.where(inside, said - 1, 0)] if len(known_at) else never, never)
    elsewhere = (there != newest) | (said < 0) | (said > len(known_at))
    return np.where(elsewhere, np.searchsorted(known_at, newest, side="right"), said), moved | elsewhere


def _differs(a: NDArray[np.float64], b: NDArray[np.float64]) -> Flags:
    """Tell where two float64 arrays differ in any bit, all NaN being one."""
    return (a.view(np.int64) != b.view(np.int64)) & ~(np.isnan(a) & np.isnan(b))
