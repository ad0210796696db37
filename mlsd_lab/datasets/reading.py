"""Reads CSV files so that whatever is wrong with one becomes a sentence with the file, the column and the line."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path, required: Collection[str], text: Collection[str] = ()) -> "pd.DataFrame":
    """Return a CSV file's table; `required` columns must be there, `text` columns stay text (an id 007 stays 007).

    Raises `DataError` for a missing, unreadable, empty or ragged file, a wrong encoding, or a missing column.

    >>> read_csv(Path("nowhere/events.csv"), required=["user_id"])
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: nowhere/events.csv: expected a CSV file with columns user_id, found no such file
    """
    import pandas as pd

    wanted = f"expected a CSV file with columns {', '.join(required)}"
    try:
        header = pd.read_csv(path, nrows=0).columns
        missing = [column for column in required if column not in header]
        if missing:
            raise DataError(f"{path}: expected a column {missing[0]!r}, found {', '.join(header)}")
        nulls = {c: [""] if c in text else ["", "NA", "NaN", "nan", "null", "NULL", "None"] for c in header}
        types = dict.fromkeys(set(text) & set(header), object)
        return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=nulls, low_memory=False)
    except FileNotFoundError:
        raise DataError(f"{path}: {wanted}, found no such file") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: {wanted}, found an empty file") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: {wanted} in UTF-8, found other bytes ({error.reason} at byte {error.start})"
        ) from None
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
        refuse_rows(numbers[column].isna(), table[column], "a number", f"{path}, column {column}")
    return table.assign(**{column: numbers[column] for column in columns})


def refuse_rows(bad: "pd.Series", cells: "pd.Series", expected: str, where: str) -> None:
    """Raise `DataError` with the first cell that is bad and its line in the file (the header is line 1).

    >>> import pandas as pd
    >>> refuse_rows(pd.Series([False]), pd.Series(["fine"]), "a time", "log.csv, column t")
    """
    if bad.any():
        first, count = int(bad.to_numpy().argmax()), int(bad.sum())
        lines = f"line {first + 2} ({count:,} such line{'s' * (count > 1)})"
        raise DataError(f"{where}: expected {expected}, found {cells.iloc[first]!r} in {lines}")
