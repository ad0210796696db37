"""The served log: what was shown, and the feature values it was ranked by, as files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlsd_lab.errors import ConfigError, ConflictError, DataError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.timeline import complete, microseconds
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import PARTITION, SERVED, Shape

if TYPE_CHECKING:
    from mlsd_lab.ingestion.lake_table import LakeTable

_REQUIRED = ("request_id", "user_id", "video_id", "as_of", "position_absorbed", "tile")
_TRIES = 20  # appends commute, so one that came second begins again
_VECTOR = 2048  # rows that DuckDB hands over at once
_TEXTS, _TIMES = (
    [name for name, kind in SERVED.columns.items() if kind == wanted] for wanted in ("VARCHAR", "TIMESTAMPTZ")
)
_NAIVE = ", ".join(f"CAST({name} AS TIMESTAMP) AS {name}" for name in _TIMES)  # UTC, as pandas gets it without copies
_SELECT = f"SELECT * EXCLUDE ({PARTITION}) REPLACE ({_NAIVE}) FROM served"


class ServedLog:
    """The table `served` of a lake: that of the events, or one of its own, such as the folder of a run.

    All rows are of one catalogue, whose fingerprint stands in each commit; another catalogue begins another log. A user
    is erased with all the lake's tables, by `ingestion.erase`; who read meanwhile has the old rows, the new ones, or
    `ConflictError`.

    >>> import tempfile
    >>> from mlsd_lab.features.feed import FEED
    >>> facts = {"request_id": "r", "user_id": "ann", "video_id": ["v", "w"], "rank": [0, 1], "score": [0.5, 0.25]}
    >>> as_of = pd.Timestamp("2026-01-01", tz="UTC")
    >>> facts |= {"as_of": as_of, "position_absorbed": 1, "newest_known_at": as_of - pd.Timedelta("1s")}
    >>> facts |= {"tile": 490_896, "surface": None, "retrieval_score": float("nan"), "bundle": "b", "degraded": None}
    >>> rows = pd.DataFrame(facts | dict.fromkeys(FEED.columns, 0.1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = ServedLog(Lake(folder))
    ...     log.append(rows, FEED)
    ...     log.read()[["video_id", "user_impressions_1d"]].values.tolist()
    [['v', 0.1], ['w', 0.1]]
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def append(self, served: pd.DataFrame, catalogue: Catalogue) -> None:
        """Add the rows of a batch of answers, all or none; those of users who were erased from the lake are dropped.

        `served` has the columns of `ingestion.shape.SERVED` and the catalogue's. Raises `DataError` for others, and
        where the log is of another catalogue; nothing is written then.
        """
        shape = _shape(catalogue)
        if served.empty:
            return
        batch = _typed(served, shape)
        for left in reversed(range(_TRIES)):
            try:
                self._append(batch, shape, catalogue)
            except ConflictError:
                if not left:
                    raise
            else:
                return

    def _append(self, batch: pd.DataFrame, shape: Shape, catalogue: Catalogue) -> None:
        if self._lake.has(shape.name):
            _require(self._lake.table(shape.name), catalogue)
        table = self._lake.table(shape)
        _require(table, catalogue)  # once more: another may have begun the log in between
        connection = connect()
        connection.register("batch", batch)
        columns = f"*, CAST(as_of AS DATE) AS {PARTITION}"
        connection.execute(f"CREATE TEMP TABLE parsed AS SELECT {columns} FROM batch")
        ErasedUsers(self._lake).drop(connection)  # after the table was opened, as it asks
        about = {"catalogue": f"{catalogue.name} {catalogue.version}", "fingerprint": catalogue.fingerprint}
        table.append(connection, "SELECT * FROM parsed", {shape.name: about})

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._stored().rows

    def require(self, catalogue: Catalogue) -> None:
        """Raise `ConfigError` where there is no log, `DataError` where its rows are of another catalogue."""
        _require(self._stored(), catalogue)

    def pieces(self, catalogue: Catalogue, rows: int = 100_000) -> Iterator[pd.DataFrame]:
        """Yield all rows in tables of about so many, in no promised order; raises what `require` does."""
        table = self._stored()
        _require(table, catalogue)
        connection = connect()
        table.view(connection, "served")
        with table.explained():
            found = connection.execute(_SELECT)
            while len(piece := found.fetch_df_chunk(max(1, rows // _VECTOR))):
                yield _as_served(piece)

    def read(self) -> pd.DataFrame:
        """Return all rows by `as_of`, `request_id` and `rank`."""
        table = self._stored()
        connection = connect()
        table.view(connection, "served")
        with table.explained():
            return _as_served(connection.execute(f"{_SELECT} ORDER BY as_of, request_id, rank").df())

    def _stored(self) -> "LakeTable":
        if not self._lake.has(SERVED.name):
            raise ConfigError(
                f"expected a served log at {self._lake.root}, found none; name the folder in which its table"
                f" {SERVED.name!r} lies, such as that of a run: runs/latest"
            )
        return self._lake.table(SERVED.name)


def _require(table: "LakeTable", catalogue: Catalogue) -> None:
    """Raise `DataError` where the log's rows are of another catalogue."""
    about: dict[str, Any] = table.states.get(SERVED.name, {})
    if about and about["fingerprint"] != catalogue.fingerprint:
        stored = [name for name in table.shape.columns if name not in SERVED.columns]
        raise DataError(
            f"{table.uri}: expected rows of catalogue {catalogue.name} {catalogue.version}"
            f" ({catalogue.fingerprint[:12]}), found {about['catalogue']} ({about['fingerprint'][:12]}):"
            f" {_difference(list(catalogue.columns), stored)}. Name the catalogue that these rows were served with"
        )


def _shape(catalogue: Catalogue) -> Shape:
    taken = [column for column in catalogue.columns if column in SERVED.columns]
    if taken:
        raise ConfigError(f"catalogue {catalogue.name}: expected no feature named as the served log's own {taken[0]}")
    columns = SERVED.columns | dict.fromkeys(catalogue.columns, "DOUBLE")
    return Shape(SERVED.name, columns, SERVED.key, partitioned=True)


def _difference(expected: list[str], found: list[str]) -> str:
    other = [f"no {name!r}" for name in expected if name not in found][:1]
    other += [f"{name!r} is new to it" for name in found if name not in expected][:1]
    return ", ".join(other) or "the same columns, defined otherwise"


def _typed(served: pd.DataFrame, shape: Shape) -> pd.DataFrame:
    """Return the rows with the table's columns and types, texts as pandas' own, of which none is taken for numbers."""
    complete(served, [*shape.columns], "served")
    more = [*served.columns[~served.columns.isin(list(shape.columns)) | served.columns.duplicated()]]
    if more:
        raise DataError(f"served: expected columns {', '.join(shape.columns)}; found {more[0]!r} too")
    absent = [name for name in _REQUIRED if served[name].isna().any()]
    if absent:
        raise DataError(f"served, column {absent[0]}: expected a value in each row, found none in one")
    return pd.DataFrame({name: _column(served[name], name, kind) for name, kind in shape.columns.items()})


def _column(values: pd.Series, name: str, kind: str) -> Any:
    if kind == "TIMESTAMPTZ":
        return pd.Series(microseconds(values)).dt.tz_localize("UTC")
    if kind == "BIGINT" and not pd.api.types.is_integer_dtype(values):
        raise DataError(f"served, column {name}: expected whole numbers, found {values.dtype}")
    found = pd.api.types.infer_dtype(values.astype(object), skipna=True)
    if kind == "VARCHAR" and found not in ("string", "empty"):  # 7 becomes "7" or "7.0": who would erase the right one?
        raise DataError(f"served, column {name}: expected text, found {found}")
    try:
        if kind == "VARCHAR":
            texts = values.reset_index(drop=True).astype("string")
            "".join(texts.dropna()).encode()
            return texts
        return values.to_numpy("int64" if kind == "BIGINT" else "float64")
    except (TypeError, ValueError) as error:  # half a surrogate pair is no text either
        expected = "text" if kind == "VARCHAR" else "numbers"
        raise DataError(f"served, column {name}: expected {expected}, found {error}") from None


def _as_served(rows: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {name: rows[name].dt.tz_localize("UTC") for name in _TIMES}
    columns |= {name: rows[name].astype(object).where(rows[name].notna(), None) for name in _TEXTS}
    return rows.assign(**columns)
