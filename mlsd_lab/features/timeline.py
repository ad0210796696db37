"""A whole log as histories: every feature at any position of the stream, for training and for the audit."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import DataError
from mlsd_lab.features.added import added_by
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import CONTEXT, Last, Windowed
from mlsd_lab.features.entity_codes import EntityCodes
from mlsd_lab.features.history import History, places
from mlsd_lab.features.lazy_rows import LazyRows, floats, texts
from mlsd_lab.features.past import NEVER, Entity, Past

if TYPE_CHECKING:
    from collections.abc import Sequence

VIDEO_COLUMNS = ("creator_id", "topic", "duration_seconds", "uploaded_at")
ASKED = ("user_id", "video_id", "as_of")
READ = ("relevant", "clicked", "long_view", "liked", "rating", "watch_seconds", "position")
Ints = NDArray[np.int64]
_AT_ONCE = 2**17  # events


def stream(log: Log) -> pd.DataFrame:
    """Return the log's events as features read them: in stream order, ids as text, with their video's columns.

    `relevant` follows the log's rule; flags are 0, 1 or NaN; a column that the log lacks is all NaN.

    >>> from mlsd_lab.datasets import Log
    >>> time = pd.to_datetime(["2026-01-01"], utc=True)
    >>> frame = pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "occurred_at": time, "clicked": [True]})
    >>> stream(Log.from_frames(frame))[["user_id", "relevant", "duration_seconds"]].values.tolist()
    [['ann', 1.0, nan]]
    """
    return stream_rows(log.events, log.relevant, video_columns(log.videos), log.events["video_id"].cat.codes.to_numpy())


def stream_rows(
    events: pd.DataFrame, relevant: pd.Series, videos: dict[str, NDArray[Any]], video: NDArray[np.integer]
) -> pd.DataFrame:
    """Return events as features read them, in their order; `video` has each one's row in `videos`, −1 for none.

    >>> time = pd.to_datetime(["2026-01-01"], utc=True)
    >>> event = pd.DataFrame({"user_id": ["ann"], "video_id": ["new"], "occurred_at": time, "known_at": time})
    >>> rows = stream_rows(event, pd.Series([True]), {"duration_seconds": np.array([10.0])}, np.array([-1]))
    >>> rows[["video_id", "relevant", "clicked", "duration_seconds"]].values.tolist()
    [['new', 1.0, nan, nan]]
    """
    return _lazy_rows(events, relevant, videos, video).frame


def _lazy_rows(
    events: pd.DataFrame, relevant: pd.Series, videos: dict[str, NDArray[Any]], video: NDArray[np.integer]
) -> LazyRows:
    makers = {name: partial(texts, events, name) for name in ("user_id", "video_id")}
    makers |= {name: partial(events.__getitem__, name) for name in ("occurred_at", "known_at")}
    makers["surface"] = partial(texts, events, "surface")
    makers |= {name: partial(floats, events, name) for name in READ}
    makers["relevant"] = partial(floats, {"relevant": relevant}, "relevant")
    makers |= {name: partial(taken, values, video) for name, values in videos.items()}
    return LazyRows(makers, events.index)


def video_columns(videos: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return creator_id, topic, duration_seconds and uploaded_at as arrays, a value a video, null where there is none.

    >>> video_columns(pd.DataFrame({"video_id": ["v"]}))["duration_seconds"].tolist()
    [nan]
    """
    columns: dict[str, NDArray[Any]] = {}
    for name in VIDEO_COLUMNS:
        known = name in videos
        if name == "uploaded_at":
            columns[name] = microseconds(videos[name]) if known else np.full(len(videos), np.datetime64("NaT", "us"))
        elif name == "duration_seconds":
            columns[name] = videos[name].to_numpy(np.float64) if known else np.full(len(videos), np.nan)
        else:
            text = videos[name].astype(object) if known else pd.Series([None] * len(videos), dtype=object)
            columns[name] = text.where(text.notna(), None).to_numpy(object)
    return columns


def complete(table: pd.DataFrame, columns: "Sequence[str]", name: str) -> pd.DataFrame:
    """Return the table if it has these columns, else raise `DataError` with the table's name.

    >>> complete(pd.DataFrame({"user_id": ["ann"]}), ["user_id"], "labels").shape
    (1, 1)
    """
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{name}: expected a column {missing[0]!r}, found {', '.join(map(str, table.columns))}")
    return table


def microseconds(times: "pd.Series | Sequence[pd.Timestamp]") -> NDArray[np.datetime64]:
    """Return times with a zone as datetime64[us] in UTC.

    >>> microseconds(pd.Series(pd.to_datetime(["2026-01-01T01:00:00+01:00"]))).astype(str).tolist()
    ['2026-01-01T00:00:00.000000']
    """
    index = pd.DatetimeIndex(times)
    if index.tz is None:
        raise DataError(f"expected times with a time zone, found {index.dtype}; give them theirs with tz_localize")
    return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")


def moment_of(as_of: datetime) -> Ints:
    """Return one time with a zone in microseconds UTC, as an array of one.

    >>> moment_of(pd.Timestamp("1970-01-01T01:00:01+01:00")).tolist()
    [1000000]
    """
    stamp = pd.Timestamp(as_of)
    if stamp is pd.NaT or stamp.tz is None:
        raise DataError(f"as_of: expected a time with a time zone, found {as_of}")
    return np.array([stamp.tz_convert(None).to_datetime64()]).astype("datetime64[us]").astype(np.int64)


class Timeline:
    """Histories of all entities of a catalogue over one log.

    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": ["v", "w"], "occurred_at": time, "clicked": True})
    >>> timeline = Timeline(FEED, Log.from_frames(frame))
    >>> rows = pd.DataFrame({"user_id": ["ann"], "video_id": ["w"], "as_of": time[1:]})
    >>> timeline.features(rows, timeline.position(rows.as_of))["user_impressions_7d"].tolist()
    [1.0]
    """

    def __init__(self, catalogue: Catalogue, log: Log) -> None:
        self.catalogue = catalogue
        self.known_at: Ints = microseconds(log.events["known_at"]).astype(np.int64)
        if (np.diff(self.known_at) < 0).any():
            raise DataError("log: expected events in the order of known_at, found an earlier one after a later one")
        self._video_columns = video_columns(log.videos)
        self._codes = EntityCodes(log, self._video_columns, catalogue.entities)
        codes = self._codes.of(log.events)
        pieces = self._pieces(log, codes["video_id"])
        self._histories: dict[Entity, History] = {}
        self._newest_values = {f.name: np.concatenate([f.values(rows) for rows in pieces]) for f in catalogue.last}
        for entity, features in catalogue.entities.items():
            summed = tuple(feature for feature in features if isinstance(feature, Windowed))
            added = np.concatenate([added_by(summed, rows) for rows in pieces])
            self._histories[entity] = History(self._codes.joined(entity, codes), added)

    def _pieces(self, log: Log, video: Ints) -> list[Any]:
        """Cut the stream, so that what features make on the way stays in the processor's cache."""
        relevant = log.relevant
        cuts = [slice(begin, begin + _AT_ONCE) for begin in range(0, max(1, len(log.events)), _AT_ONCE)]
        return [_lazy_rows(log.events.iloc[c], relevant.iloc[c], self._video_columns, video[c]) for c in cuts]

    def position(self, as_of: "pd.Series", staleness: timedelta = timedelta(0)) -> Ints:
        """Return for each time, less `staleness`, how many events were known before it: a position in the stream."""
        moment = _moments(as_of).astype(np.int64) - staleness // timedelta(microseconds=1)
        return places(self.known_at, moment)

    def features(self, rows: pd.DataFrame, position: Ints, columns: "Sequence[str] | None" = None) -> pd.DataFrame:
        """Return the catalogue's columns, or some of them, float64, one row for each of `rows`, in their order.

        `rows` have `user_id`, `video_id`, `as_of`, and where features read them `surface` and `retrieval_score`;
        `position` says how many events of the stream each row sees. Windows begin where `as_of`'s tile says.
        """
        if len(position) and not 0 <= position.min() <= position.max() <= len(self.known_at):
            raise DataError(
                f"position: expected 0 to {len(self.known_at)}, the log's events, "
                f"found {position.min()} to {position.max()}"
            )
        codes = self._codes.of(complete(rows, ASKED, "rows"))
        context = self._context(rows, codes["video_id"])
        as_of = context["as_of"].astype(np.int64)
        wanted = self.catalogue.columns if columns is None else tuple(columns)
        past = Past()
        for entity in self.catalogue.entities_of(wanted):
            past |= self._past(entity, self._codes.joined(entity, codes), as_of, position)
        matrix = self.catalogue.assemble(past, context, len(rows), wanted).matrix
        return pd.DataFrame(matrix, columns=list(wanted), index=rows.index)

    def _past(self, entity: Entity, code: Ints, as_of: Ints, position: Ints) -> Past:
        history, features = self._histories[entity], self.catalogue.entities[entity]
        windowed = [feature for feature in features if isinstance(feature, Windowed)]
        totals = {}
        if windowed:
            starts = {window: self._start(window.start(as_of)) for f in windowed for window in f.windows}
            of_window = dict(zip(starts, history.between(code, list(starts.values()), position), strict=True))
            for at, feature in enumerate(windowed):
                for column, window in zip(feature.columns, feature.windows, strict=True):
                    totals[column] = np.where((code >= 0)[:, None], of_window[window][:, 2 * at : 2 * at + 2], 0)
        if len(windowed) == len(features) and all(f.about.time_to_live is None for f in features):
            return Past(totals)
        newest = np.where(code >= 0, history.newest(code, position), -1)
        last = {f.name: taken(self._newest_values[f.name], newest) for f in features if isinstance(f, Last)}
        times = np.where(newest >= 0, self.known_at[newest] if len(self.known_at) else NEVER, NEVER)
        return Past(totals, last, {entity: times})

    def _start(self, start: Ints) -> Ints:
        edges, where = np.unique(start, return_inverse=True)
        return np.searchsorted(self.known_at, edges, side="left").astype(np.int64)[where]

    def _context(self, rows: pd.DataFrame, video: Ints) -> dict[str, NDArray[Any]]:
        score = rows.get("retrieval_score", pd.Series(np.nan, rows.index)).to_numpy(np.float64)
        columns = {name: taken(values, video) for name, values in self._video_columns.items() if name in CONTEXT}
        return {"as_of": _moments(rows["as_of"]), "retrieval_score": score} | columns


def _moments(as_of: pd.Series) -> NDArray[np.datetime64]:
    moments = microseconds(as_of)
    if np.isnat(moments).any():
        raise DataError(f"as_of: expected a time in each row, found none in row {np.isnat(moments).argmax()}")
    return moments


def taken(values: NDArray[Any], video: NDArray[np.integer]) -> NDArray[Any]:
    """Return a value a row, that of its video (a row number), null for a video that is not known (−1).

    >>> taken(np.array([10.0, 59.5]), np.array([1, -1])).tolist()
    [59.5, nan]
    """
    null = {"M": np.datetime64("NaT", "us"), "f": np.nan}.get(values.dtype.kind)
    found: NDArray[Any] = values[video] if len(values) else np.empty(len(video), dtype=values.dtype)
    found[video < 0] = null
    return found
