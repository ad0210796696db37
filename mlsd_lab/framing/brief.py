"""A brief: what the interviewer says, and the answers to the questions that turn it into numbers."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from difflib import get_close_matches
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.quantity import Quantity

_SHIPPED = Path(__file__).with_name("briefs")


class Question(NamedTuple):
    """A clarifying question, the answer as text, and the field that holds it.

    >>> Question("How many people have an account?", "60,000,000 users", "users").field
    'users'
    """

    question: str
    value: str
    field: str


def _ask(question: str, unit: str, least: float, most: float, *, default: Any = MISSING, **kind: bool) -> Any:
    """A field for a number; `whole`: no fractions; `above`: more than `least`."""
    return field(default=default, metadata={"question": question, "unit": unit, "least": least, "most": most} | kind)


@dataclass(frozen=True, kw_only=True, repr=False)
class Brief:
    """A prompt with its numbers, each checked; a field's metadata hold unit, range and the question it answers.

    A number may be given as text, with a unit of its kind or none ("0.2 s" or "200" for `latency_p99_ms`); `item` says
    what a video stands for in prompts without any. Raises `ConfigError` for anything out of range.

    >>> Brief.load("video-feed").changed(latency_p99_ms="0.15 s").latency_p99_ms
    150
    >>> Brief.load("video-feed").changed(regions=0)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: regions: expected a whole number from 1 to 1,000 in regions, found 0
    """

    name: str = field(default="brief", metadata={"question": "What do we call it?"})
    prompt: str = field(default="", metadata={"question": "What does the interviewer say?"})
    item: str = field(default="video", metadata={"question": "What is chosen? (`video` in the names of fields)"})
    users: int = _ask("How many people have an account?", "users", 1, 10**11, whole=True)
    daily_active_share: float = _ask("Which share of them comes on a day?", "share", 0, 1, above=True)
    requests_per_user_day: float = _ask("How many requests does each make?", "requests/user/day", 0, 10**6, above=True)
    events_per_request: float = _ask("How many exposures per request?", "events/request", 0, 10**6, default=1)
    peak_factor: float = _ask("How many times the mean is the busiest second?", "", 1, 1000)
    catalogue_videos: int = _ask("How many items are there to choose from?", "videos", 1, 10**13, whole=True)
    catalogue_growth_day: int = _ask("How many are new each day?", "videos/day", 0, 10**11, whole=True)
    event_bytes: int = _ask("How large is an event in the log?", "bytes/event", 1, 10**9, whole=True)
    retention_days: float = _ask("How long may the log be kept?", "days", 0, 36_500)
    latency_p99_ms: float = _ask("When must 99 of 100 answers have arrived?", "ms", 0, 86_400_000, above=True)
    freshness_seconds: float = _ask("How old may a feature be?", "s", 0, 31_536_000)
    label_delay_seconds: float = _ask("When is it known whether the answer was good?", "s", 0, 31_536_000)
    personal_data: tuple[str, ...] = field(default=(), metadata={"question": "Which rules hold for data on people?"})
    regions: int = _ask("In how many regions of the world do we serve?", "regions", 1, 1000, whole=True)
    budget_usd_month: float = _ask("What may serving cost?", "usd/month", 0, 10**12, above=True)
    embedding_dim: int = _ask("How many numbers has an embedding?", "numbers/row", 1, 100_000, whole=True)
    candidates: int = _ask("How many items are scored for a request?", "videos/request", 1, 10**7, whole=True)
    features_per_candidate: int = _ask("How many values describe an item?", "features/row", 1, 100_000, whole=True)
    response_bytes: int = _ask("How large is an answer?", "bytes/request", 1, 10**10, whole=True)
    target_utilisation: float = _ask("How busy may a machine be?", "share", 0, 1, above=True)
    machine_usd_hour: float = _ask("What does a machine cost?", "usd/machine/h", 0, 10_000)

    def __post_init__(self) -> None:
        for one in fields(self):
            check = _number if "unit" in one.metadata else _text
            object.__setattr__(self, one.name, check(one, getattr(self, one.name)))

    @classmethod
    def load(cls, name: str | Path) -> "Brief":
        """Read one of the shipped briefs by name, or a TOML file of yours.

        >>> Brief.load("ad-clicks").latency_p99_ms
        50
        """
        names = sorted(path.stem for path in _SHIPPED.glob("*.toml"))
        place = _SHIPPED / f"{name}.toml" if name in names else Path(name)
        try:
            text = place.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            wanted = f"the name of a brief ({', '.join(names)}) or a readable TOML file in UTF-8"
            raise ConfigError(f"expected {wanted}, found {_shown(str(name))}") from None
        return cls.from_toml(text, source=str(place))

    @classmethod
    def from_toml(cls, text: str, source: str = "brief") -> "Brief":
        """Read a brief from text; `source` names it in errors, and its stem is the name where the text has none.

        >>> Brief.from_toml("users = ", source="mine.toml")
        Traceback (most recent call last):
        mlsd_lab.errors.ConfigError: mine.toml, line 1: not TOML: invalid value
        """
        try:
            found = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{source}{_where(text, error)}") from None
        try:
            _check_keys(found)
            required = (one for one in fields(cls) if one.default is MISSING)
            missing = [f"{one.name} ({_accepted(one)})" for one in required if one.name not in found]
            if missing:
                raise ConfigError(f"add what is missing: {', '.join(missing)}")
            return cls(**({"name": Path(source).stem} | found))
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None

    def to_toml(self) -> str:
        """Write it as TOML, each line with its unit and its question; `from_toml` reads the same brief back.

        >>> print(Brief.load("video-feed").to_toml().splitlines()[3])
        users = 1_000_000_000  # users: How many people have an account?
        """
        lines = []
        for one in fields(self):
            value = getattr(self, one.name)
            written = f"{value:_}" if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
            lines.append(f"{one.name} = {written}  # {_unit(one)}: {one.metadata['question']}\n")
        return "".join(lines)

    def changed(self, **changes: Any) -> "Brief":
        """Return the same brief with other values in some fields.

        >>> Brief.load("video-feed").changed(retention_days="2 years").retention_days
        730
        """
        _check_keys(changes)
        return replace(self, **changes)

    def questions(self) -> list[Question]:
        """Return the clarifying questions with their answers.

        >>> Brief.load("video-feed").questions()[1]
        Question(question='Which share of them comes on a day?', value='0.3', field='daily_active_share')
        """
        said = {name: quantity.text().replace("video", self.item) for name, quantity in self.quantities().items()}
        said["personal_data"] = " ".join(self.personal_data) or "none"
        return [Question(one.metadata["question"], said[one.name], one.name) for one in fields(self)[3:]]

    def quantities(self) -> dict[str, Quantity]:
        """Return the numbers with their units, by field.

        >>> Brief.load("video-feed").quantities()["requests_per_user_day"]
        10 requests/user/day
        """
        units = {one.name: one.metadata["unit"] for one in fields(self) if "unit" in one.metadata}
        return {name: Quantity.of(getattr(self, name), unit) for name, unit in units.items()}

    def __repr__(self) -> str:
        answers = [f"- {question} {value} ({name})" for question, value, name in self.questions()]
        return "\n".join([f"{self.name}: {self.prompt}", *answers])

    def _repr_html_(self) -> str:
        cell = '<td style="text-align:left">'
        rows = "".join(f"<tr>{cell}{f'</td>{cell}'.join(map(escape, row))}</td></tr>" for row in self.questions())
        prompt = f"<p><b>{escape(self.name)}</b>: {escape(self.prompt)}</p>"
        return f"{prompt}<details><summary>Questions, with one set of answers</summary><table>{rows}</table></details>"


def _unit(one: "Field[Any]") -> str:
    return one.metadata.get("unit", "text") or "times"


def _accepted(one: "Field[Any]") -> str:
    least, most = one.metadata["least"], one.metadata["most"]
    low = f"above {least:,} and at most" if one.metadata.get("above") else f"from {least:,} to"
    return f"a {'whole ' * one.metadata.get('whole', False)}number {low} {most:,} in {_unit(one)}"


def _number(one: "Field[Any]", value: object) -> int | float:
    asked = one.metadata
    expected = f"{one.name}: expected {_accepted(one)}, found {_shown(value)}"
    try:
        amount = Quantity.read(value) if isinstance(value, str) else Quantity.of(value)  # type: ignore[arg-type]
        exact = amount.to(asked["unit"]) if amount.unit else amount.value  # a plain number is in the field's unit
    except ConfigError:
        raise ConfigError(f"{expected}: no number, or a wrong unit") from None
    whole = exact.denominator == 1
    too_low = exact <= asked["least"] if asked.get("above") else exact < asked["least"]
    if too_low or exact > asked["most"] or (asked.get("whole") and not whole):
        raise ConfigError(expected)
    if not whole and Fraction(str(float(exact))) != exact:
        raise ConfigError(f"{expected}, which does not come out even")
    return exact.numerator if whole else float(exact)


def _text(one: "Field[Any]", value: object) -> str | tuple[str, ...]:
    several = one.name == "personal_data"
    texts = value if several and isinstance(value, list | tuple) else (value,)
    strings = [text for text in texts if isinstance(text, str) and text.isprintable()]
    if len(strings) < len(texts) or (several and isinstance(value, str)):
        kind = "a list of sentences" if several else "text"
        raise ConfigError(f"{one.name}: expected {kind} in one line of printable letters, found {_shown(value)}")
    return tuple(strings) if several else strings[0]


def _check_keys(found: Mapping[str, object]) -> None:
    units = {one.name: _unit(one) for one in fields(Brief)}
    for key, value in found.items():
        if isinstance(value, dict):
            raise ConfigError(f"expected key = value lines alone, found the table {key!r}: a brief has no tables")
        if key not in units:
            near = get_close_matches(key, units, n=1)
            hint = f"did you mean {near[0]}, in {units[near[0]]}? " if near else ""
            shown = key if key.isprintable() else repr(key)
            raise ConfigError(f"unknown key {shown}: {hint}the keys are {', '.join(units)}")


def _where(text: str, error: Exception) -> str:
    if not isinstance(error, tomllib.TOMLDecodeError):
        return ": not TOML that can be read: a number or a nesting in it is too long"
    said, _, place = str(error).partition(" (at ")
    line = re.search(r"line (\d+)", place)
    return f", line {line[1] if line else len(text.splitlines()) or 1}: not TOML: {said[:1].lower()}{said[1:]}"


def _shown(value: object) -> str:
    endless = isinstance(value, int) and abs(value) >= 10**60  # Python writes none of more than 4,300 digits
    return "a number of more than 60 digits" if endless else repr(value)[:80]
