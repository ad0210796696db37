"""A log of what people were shown and what they did."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlsd_lab.datasets import schema
from mlsd_lab.datasets.datasheet import Datasheet, Relevance, iana_zone
from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, repr=False)
class Log:
    """Three tables, `events` (a row an exposure), `videos` and `users`, and the datasheet that says how to read them.

    Ids are pandas categories whose **code is the row number** in `videos` or `users`; a smaller log made from a
    larger one keeps the codes. Events stand in stream order, by (`known_at`, `event_id`), times in UTC.

    >>> import pandas as pd
    >>> log = Log.from_frames(pd.DataFrame({
    ...     "user_id": ["ann", "ann", "bob"], "video_id": ["v1", "v2", "v1"], "clicked": [True, False, True],
    ...     "occurred_at": pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-02 09:00"], utc=True)}))
    >>> log
    Log 'frames': 3 events, 2 users, 2 videos, 2026-01-01 to 2026-01-02 (UTC), relevant: clicked is true
    >>> log.matrix().toarray().tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    """

    events: "pd.DataFrame"
    videos: "pd.DataFrame"
    users: "pd.DataFrame"
    datasheet: Datasheet

    @classmethod
    def from_frames(
        cls,
        events: "pd.DataFrame",
        videos: "pd.DataFrame | None" = None,
        users: "pd.DataFrame | None" = None,
        datasheet: Datasheet | None = None,
    ) -> "Log":
        """Make a log from anyone's tables; required are `user_id`, `video_id` and `occurred_at` (with a time zone).

        Absent are filled in: `event_id` by row number, `known_at` by `occurred_at`, `videos` and `users` by the ids
        that occur. Without a datasheet the first present of `long_view`, `rating`, `clicked` makes an event relevant.
        Raises `DataError` when a table does not fit the schema, `ConfigError` for a time zone that does not exist.
        """
        events = _prepared_events(events)
        videos = _with_ids(videos, "videos", events["video_id"])
        users = _with_ids(users, "users", events["user_id"])
        for column, table in (("user_id", users), ("video_id", videos)):
            events[column] = events[column].astype(table[column].dtype)
        events = schema.validate(events, "events").sort_values(
            ["known_at", "event_id"], ignore_index=True, kind="stable"
        )
        sheet = datasheet or Datasheet("frames", relevance=_first_relevance(events))
        if sheet.relevance != "any" and sheet.relevance not in events:
            raise DataError(f"events: expected a column {sheet.relevance!r}, since {sheet.rule}; found none")
        iana_zone(sheet.timezone)
        return cls(events, schema.validate(videos, "videos"), schema.validate(users, "users"), sheet)

    def with_events(self, events: "pd.DataFrame") -> "Log":
        """Return a log with fewer (or other) events over the same videos and users, codes unchanged."""
        return replace(self, events=events.reset_index(drop=True))

    @property
    def relevant(self) -> "pd.Series":
        """Per event: did it matter to the user, by the datasheet's rule (bool; a missing value counts as no)."""
        return self.datasheet.relevant(self.events)

    def days(self, column: str = "occurred_at") -> "pd.Series":
        """Per event: midnight of its local day, as a time without zone."""
        return self.events[column].dt.tz_convert(self.datasheet.timezone).dt.tz_localize(None).dt.normalize()

    def labels(self) -> list[str]:
        """Return for each video what a person reads: its title, or its id and topic where it has none."""
        names = ("video " + self.videos["video_id"].astype(str)).astype(object)
        if "topic" in self.videos:
            names += self.videos["topic"].astype(object).map(" (topic {})".format, na_action="ignore").fillna("")
        if "title" in self.videos:
            names = self.videos["title"].astype(object).map(str, na_action="ignore").fillna(names)
        return names.tolist()

    def matrix(self) -> "csr_matrix":
        """Count events per pair, as a sparse users × videos matrix of float64."""
        import numpy as np
        from scipy.sparse import csr_matrix

        codes = (self.events["user_id"].cat.codes, self.events["video_id"].cat.codes)
        return csr_matrix((np.ones(len(self.events)), codes), shape=(len(self.users), len(self.videos)))

    def summary(self) -> dict[str, Any]:
        """Return counts, local days, the rule of relevance and the licence, as a report gives them."""
        days, sheet = self.days(), self.datasheet
        return {
            "name": sheet.name,
            "title": sheet.title,
            "users": len(self.users),
            "videos": len(self.videos),
            "events": len(self.events),
            "from": f"{days.min():%Y-%m-%d}",
            "until": f"{days.max():%Y-%m-%d}",
            "timezone": sheet.timezone,
            "relevant": sheet.rule,
            "licence": sheet.licence,
            "citation": sheet.citation,
        }

    def __repr__(self) -> str:
        days = self.days()
        span = f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d} ({self.datasheet.timezone})" if len(days) else "no days"
        counts = f"{len(self.events):,} events, {len(self.users):,} users, {len(self.videos):,} videos"
        return f"Log {self.datasheet.name!r}: {counts}, {span}, relevant: {self.datasheet.rule}"


def _prepared_events(events: "pd.DataFrame") -> "pd.DataFrame":
    missing = [column for column in ("user_id", "video_id", "occurred_at") if column not in events]
    if missing:
        raise DataError(
            f"events: expected a column {missing[0]!r}, found {', '.join(map(str, events.columns)) or 'no columns'}"
        )
    _refuse_repeated_columns(events, "events")
    if events.empty:
        raise DataError("events: expected at least one row, found none")
    events = events.copy()
    if "event_id" not in events:
        events["event_id"] = range(len(events))
    if "known_at" not in events:
        events["known_at"] = events["occurred_at"]
    for column in ("user_id", "video_id"):
        events[column] = _text_ids(events[column], "events", column)
    return _with_times(events, "events")


def _with_ids(table: "pd.DataFrame | None", name: str, occurring: "pd.Series") -> "pd.DataFrame":
    """Sort a table by its id, and add a row of nulls for each id that occurs in events and not in the table."""
    import pandas as pd

    key = schema.KEYS[name]
    if table is None:
        table = pd.DataFrame({key: pd.Series(dtype=object)})
    elif key not in table:
        raise DataError(
            f"{name}: expected a column {key!r}, found {', '.join(map(str, table.columns)) or 'no columns'}"
        )
    _refuse_repeated_columns(table, name)
    table = table.assign(**{key: _text_ids(table[key], name, key)})
    repeated = table[key][table[key].duplicated()]
    if len(repeated):
        raise DataError(f"{name}, column {key}: expected each value once, found {repeated.iloc[0]} twice or more")
    ids = sorted(set(table[key]) | set(occurring.unique()))
    table = table.set_index(key).reindex(pd.Index(ids, name=key, dtype=object)).reset_index()
    table[key] = pd.Categorical(table[key], categories=ids)
    return _with_times(table, name)


def _refuse_repeated_columns(table: "pd.DataFrame", name: str) -> None:
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise DataError(f"{name}: expected each column once, found {repeated[0]!r} twice or more")


def _text_ids(ids: "pd.Series", name: str, column: str) -> "pd.Series":
    import pandas as pd

    bad = ids.isna()
    if bad.any():
        raise DataError(
            f"{name}, column {column}: expected an id in each row, found none in row {bad.to_numpy().argmax()}"
        )
    if not (
        ids.empty
        or pd.api.types.is_integer_dtype(ids)
        or pd.api.types.infer_dtype(ids) in ("string", "integer", "categorical", "empty")
    ):
        raise DataError(f"{name}, column {column}: expected text or whole numbers, found {ids.dtype}")
    return ids.astype(str).astype(object)


def _with_times(table: "pd.DataFrame", name: str) -> "pd.DataFrame":
    import pandas as pd

    for column in schema.TIMES[name]:
        if column in table:
            if not isinstance(table[column].dtype, pd.DatetimeTZDtype) and not table[column].isna().all():
                raise DataError(
                    f"{name}, column {column}: expected times with a time zone, found {table[column].dtype}"
                )
            table[column] = table[column].astype("datetime64[us, UTC]")
    return table


def _first_relevance(events: "pd.DataFrame") -> Relevance:
    candidates: tuple[Relevance, ...] = ("long_view", "rating", "clicked")
    return next((column for column in candidates if column in events), "any")
