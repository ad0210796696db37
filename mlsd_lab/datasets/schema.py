"""What the tables of a log must look like, checked with pandera where data enters."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TIMES = {"events": ("occurred_at", "known_at"), "videos": ("uploaded_at",), "users": ("signed_up_at",)}
FLAGS = ("clicked", "long_view", "liked")
KEYS = {"events": "event_id", "videos": "video_id", "users": "user_id"}
COLUMNS = {
    "events": (
        *("event_id", "user_id", "video_id", "occurred_at", "known_at", "request_id", "surface", "position"),
        *("clicked", "long_view", "liked", "rating", "watch_seconds", "propensity"),
    ),
    "videos": ("video_id", "title", "creator_id", "topic", "duration_seconds", "uploaded_at"),
    "users": ("user_id", "signed_up_at"),
}
"""The columns that have a meaning; a table may carry others, which are kept and not read."""

_EXPECTED = {
    "not_nullable": "a value in each row",
    "field_uniqueness": "each value once",
    "coerce_dtype('boolean')": "true or false",
    "coerce_dtype('float64')": "a number",
}


def validate(table: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """Return the table (`events`, `videos` or `users`) with the schema's dtypes, or raise `DataError`.

    The error names the column, what was expected, and the first bad rows.

    >>> import pandas as pd
    >>> validate(pd.DataFrame({"video_id": pd.Categorical(["a"]), "duration_seconds": [-1.0]}), "videos")
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: videos, column duration_seconds: expected a finite number, 0 or more, found -1.0 in row 0
    """
    from pandera.errors import SchemaErrors

    _refuse_near_misses(table, name)
    try:
        valid = _schema(name).validate(table, lazy=True)
    except SchemaErrors as errors:
        raise DataError(_sentence(errors.failure_cases, name)) from None
    return valid.astype({"position": "Int32"}) if "position" in valid else valid


def _schema(name: str) -> Any:
    import pandera.pandas as pa

    def number(high: float = float("inf")) -> Any:
        wanted = f"a number from 0 to {high:g}" if high < float("inf") else "a finite number, 0 or more"
        within = pa.Check(lambda numbers: numbers.between(0, high) & (numbers < float("inf")), error=wanted)
        return pa.Column("float64", within, nullable=True, required=False, coerce=True)

    def moment(required: bool = False) -> Any:
        era = pa.Check(lambda times: times.dt.year.between(1900, 2200), error="a time in the years 1900 to 2200")
        return pa.Column("datetime64[us, UTC]", era, nullable=not required, required=required)

    place = pa.Check(lambda at: at.between(0, 2**31 - 1) & (at % 1 == 0), error="a whole number from 0 to 2147483647")
    maybe_text = pa.Column(nullable=True, required=False)
    flag = pa.Column("boolean", nullable=True, required=False, coerce=True)
    columns = {
        "events": {
            "event_id": pa.Column(unique=True),
            "user_id": pa.Column("category"),
            "video_id": pa.Column("category"),
            "occurred_at": moment(required=True),
            "known_at": moment(required=True),
            "request_id": maybe_text,
            "surface": maybe_text,
            "position": pa.Column("float64", place, nullable=True, required=False, coerce=True),
            **dict.fromkeys(FLAGS, flag),
            "rating": number(),
            "watch_seconds": number(),
            "propensity": number(high=1),
        },
        "videos": {
            "video_id": pa.Column("category", unique=True),
            "title": maybe_text,
            "creator_id": maybe_text,
            "topic": maybe_text,
            "duration_seconds": number(),
            "uploaded_at": moment(),
        },
        "users": {
            "user_id": pa.Column("category", unique=True),
            "signed_up_at": moment(),
        },
    }
    return pa.DataFrameSchema(columns[name])


def _refuse_near_misses(table: "pd.DataFrame", name: str) -> None:
    absent = [column for column in COLUMNS[name] if column not in table]
    for column in table.columns.difference(COLUMNS[name]):
        meant = get_close_matches(str(column), absent, n=1, cutoff=0.8)
        if meant:
            raise DataError(
                f"{name}: found a column {column!r}; if it is {meant[0]!r}, rename it, else give it a name less alike"
            )


def _sentence(failures: "pd.DataFrame", name: str) -> str:
    first = failures.iloc[0]
    if first["check"] == "column_in_dataframe":
        return f"{name}: expected a column {first['failure_case']!r}, found none of that name"
    same = failures[(failures["column"] == first["column"]) & (failures["check"] == first["check"])]
    cases = ", ".join(str(value) for value in same["failure_case"].head(3))
    rows = [str(int(row)) for row in same["index"].dropna().head(3)]
    where = f" in row{'s' * (len(rows) > 1)} {', '.join(rows)}" if rows else ""
    more = f" and {len(same) - 3:,} more" if len(same) > 3 else ""
    expected = _EXPECTED.get(first["check"], first["check"])
    return f"{name}, column {first['column']}: expected {expected}, found {cases}{where}{more}"
