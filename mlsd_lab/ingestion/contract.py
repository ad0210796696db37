"""The contract at the door: what each record of a source must look like, and why one is refused."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mlsd_lab.errors import ConfigError, DataError

Kind = Literal["text", "whole", "number", "flag", "moment"]
LEEWAY = timedelta(days=1)
"""Clocks differ; by more than this one of them is wrong."""
ERA = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Field:
    """One field of a record: its kind, unit and range; `not_after` names a moment of the same record.

    >>> Field("watch_seconds", "number", "s", low=0).wanted
    'a number, 0 or more (s)'
    """

    name: str
    kind: Kind
    unit: str = ""
    required: bool = False
    low: float = -math.inf
    high: float = math.inf
    not_after: str | None = None

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        words = {
            "text": "text",
            "whole": "a whole number",
            "number": "a number",
            "flag": "true or false",
            "moment": "a time with an offset, such as 2026-01-31T18:05:00Z, in the years 1900 to 2199",
        }[self.kind]
        if self.high < math.inf:
            words += f", {self.low:g} to {self.high:g}"
        elif self.low > -math.inf:
            words += f", {self.low:g} or more"
        return words + (f" ({self.unit})" if self.unit else "")


@dataclass(frozen=True)
class Contract:
    """What the records of one source must look like, and how copies of one are known.

    >>> fields = (Field("id", "text", required=True), Field("seconds", "number", low=0))
    >>> watches = Contract("watches", fields, key=("id",))
    >>> watches.read(b'{"id": "a", "seconds": 3}')
    {'id': 'a', 'seconds': 3.0}
    >>> watches.read(b'{"id": "a", "seconds": "3 s"}')
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: seconds: expected a number, 0 or more, found '3 s'
    """

    name: str
    """Of the lake's table that the records land in."""
    fields: tuple[Field, ...]
    """In the order of the table's columns."""
    key: tuple[str, ...]
    """Records of equal key are copies of one."""
    first: str | None = None
    """Of copies that differ, the one with the earliest of this moment stays; a tie goes to the smallest hash."""
    date: str | None = None
    """The moment whose UTC date is the table's partition."""
    added: Literal["drop", "refuse"] = "drop"
    """What becomes of a field that is not named here: dropped and told, or its record refused."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(field.name for field in self.fields)

    def changed(self, *fields: Field) -> "Contract":
        """Return a contract where these fields replace those of the same name, or come after the others.

        >>> Contract("t", (Field("a", "text"),), ("a",)).changed(Field("b", "flag")).columns
        ('a', 'b')
        """
        new = {field.name: field for field in (*self.fields, *fields)}
        return replace(self, fields=tuple(new.values()))

    def read(self, line: bytes, now: datetime | None = None) -> dict[str, Any]:
        """Return a record's values by column, or raise `DataError` with the reason for its refusal.

        Ids and other text may be given as whole numbers. No moment may lie more than a day after `now`.
        """
        record = _object(line)
        if self.added == "refuse" and (extra := sorted(set(record) - set(self.columns))):
            raise DataError(f"{extra[0]}: expected only the fields of the contract {self.name!r}, found this one too")
        values = {field.name: _value(field, record.get(field.name)) for field in self.fields}
        for field in self.fields:
            _in_time(field, values, now)
        return values

    def __post_init__(self) -> None:
        moments = {field.name for field in self.fields if field.kind == "moment"}
        if missing := sorted({*self.key} - set(self.columns)):
            raise ConfigError(f"contract {self.name}: expected its key among its fields, found no {missing[0]!r}")
        named = (self.first, self.date, *(field.not_after for field in self.fields))
        for name in named:
            if name is not None and name not in moments:
                raise ConfigError(f"contract {self.name}: expected a field {name!r} of kind moment, found none")


def _object(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise DataError(f"expected UTF-8, found other bytes at {error.start} ({error.reason})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"expected a JSON object, found none that can be read ({error})") from None
    if not isinstance(record, dict):
        raise DataError(f"expected a JSON object, found {_shown(record)}")
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _value(field: Field, found: Any) -> Any:
    if found is None:
        if field.required:
            raise DataError(f"{field.name}: expected {field.wanted}, found nothing")
        return None
    try:
        value = _READ[field.kind](found)
    except (TypeError, ValueError, OverflowError):
        value = None
    if value is None or (field.kind in ("whole", "number") and not field.low <= value <= field.high):
        raise DataError(f"{field.name}: expected {field.wanted}, found {_shown(found)}")
    return value


def _in_time(field: Field, values: dict[str, Any], now: datetime | None) -> None:
    moment = values[field.name]
    if field.kind != "moment" or moment is None:
        return
    if now is not None and moment > now + LEEWAY:
        raise DataError(f"{field.name}: expected a time before now, found {_shown(moment.isoformat())}: a clock ahead")
    bound = values[field.not_after] if field.not_after else None
    if bound is not None and moment > bound + LEEWAY:
        raise DataError(
            f"{field.name}: expected a time before {field.not_after}, {bound.isoformat()}, "
            f"found {_shown(moment.isoformat())}: a clock ahead"
        )


def _text(found: Any) -> str | None:
    if isinstance(found, str):
        found.encode("utf-8")  # half of a surrogate pair is no text: UnicodeEncodeError is a ValueError
        return found if "\0" not in found else None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else None


def _number(found: Any) -> float | None:
    real = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if real and math.isfinite(found) else None


def _whole(found: Any) -> int | None:
    number = _number(found)
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**31 else None


def _flag(found: Any) -> bool | None:
    return found if isinstance(found, bool) else None


def _moment(found: Any) -> datetime | None:
    if not isinstance(found, str) or len(found) < 11 or found[10] not in "Tt ":
        return None
    moment = datetime.fromisoformat(found)
    if moment.tzinfo is None:
        return None
    moment = moment.astimezone(UTC)
    return moment if ERA[0] <= moment < ERA[1] else None


_READ: dict[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "moment": _moment,
}


def _shown(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 80 else f"{text[:80]} …"
