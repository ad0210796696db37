"""Reads CSV files so that whatever is wrong with one becomes a sentence with the file, the column and the line."""

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path, required: Collection[str], text: Collection[str] = ()) -> "pd.DataFrame":
    """Return a CSV file's table; `required` columns must be there, `text` columns stay text (an id 007 stays 007).

    Empty lines are left out; a row's label in the index is its line in the file less 2, as `refuse_rows` wants it.
    Raises `DataError` for a missing, unreadable, empty or ragged file, a wrong encoding, a missing or repeated column.

    >>> read_csv(Path("nowhere/events.csv"), required=["user_id"])
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: nowhere/events.csv: expected a CSV file with columns user_id, found no such file
    """
    import pandas as pd

    wanted = f"expected a CSV file with columns {', '.join(required)}"
    try:
        names = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, skip_blank_lines=False)
        header = names.iloc[0].tolist()
        missing = [column for column in required if column not in header]
        if missing:
            raise DataError(f"{path}: expected a column {missing[0]!r}, found {_listed(header)}")
        repeated = [column for column in header if column and header.count(column) > 1]
        if repeated:
            raise DataError(f"{path}: expected each column once, found {repeated[0]!r} twice or more")
        words = ["", "NA", "NaN", "nan", "null", "NULL", "None"]
        nulls = {c or f"Unnamed: {at}": [""] if c in text else words for at, c in enumerate(header)}
        types = dict.fromkeys(set(text) & set(header), object)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells without a column would be dropped
            options = {"index_col": False, "skip_blank_lines": False, "low_memory": False}
            table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=nulls, **options)
        return table.dropna(how="all")
    except FileNotFoundError:
        raise DataError(f"{path}: {wanted}, found no such file") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: {wanted}, found an empty file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {wanted} in UTF-8, found other bytes ({error.reason})") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{path}: {wanted}, found lines with more cells than the first line has names") from None
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: {wanted}, found broken lines ({str(error).strip()})") from None
    except OSError as error:
        raise DataError(f"{path}: {wanted}, cannot read it ({error.strerror or error})") from None


def require_numbers(table: "pd.DataFrame", columns: Collection[str], path: Path) -> "pd.DataFrame":
    """Return the table with these columns as float64; a text or an empty cell in one is a `DataError` with its lines.

    >>> import pandas as pd
    >>> require_numbers(pd.DataFrame({"time_ms": ["12", "x"]}), ["time_ms"], Path("log.csv"))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: log.csv, column time_ms: expected a number, found 'x' in line 3 (1 such line)
    """
    import pandas as pd

    numbers = table[list(columns)].apply(pd.to_numeric, errors="coerce").astype("float64")
    for column in columns:
        flags = pd.api.types.infer_dtype(table[column]) == "boolean"  # True is text here, not the number 1
        refuse_rows(numbers[column].isna() | flags, table[column], "a number", f"{path}, column {column}")
    return table.assign(**{column: numbers[column] for column in columns})


def refuse_rows(bad: "pd.Series", cells: "pd.Series", expected: str, where: str) -> None:
    """Raise `DataError` with the first cell that is bad and its line: the header is line 1, label 0 is line 2.

    >>> import pandas as pd
    >>> refuse_rows(pd.Series([False]), pd.Series(["fine"]), "a time", "log.csv, column t")
    """
    from pandas import isna

    if bad.any():
        at, count = int(bad.to_numpy().argmax()), int(bad.sum())
        lines = f"line {int(bad.index[at]) + 2} ({count:,} such line{'s' * (count > 1)})"
        found = "an empty cell" if isna(cells.iloc[at]) else repr(str(cells.iloc[at]))[:80]
        raise DataError(f"{where}: expected {expected}, found {found} in {lines}")


def _listed(header: list[str]) -> str:
    """Names in a line, cut short and without control characters: the file may be anything."""
    text = ", ".join(name if name.isprintable() else ascii(name)[1:-1] for name in header)
    return text if len(text) <= 300 else f"{text[:300]} …"
