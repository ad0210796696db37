"""Exercise 2.1: a field was announced; the contract that lets the right records in."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.contract import Contract, Field, Kind
from mlsd_lab.ingestion.contracts import EVENTS

_NAME = "playback_speed"
_KEPT = {"event_id", "occurred_at", "known_at"}  # the key and the moments that a contract of events refers to
_STREAMS = "events", "previews", "trailers", "shorts", "replays"
_MEANING = {  # of what should not go through
    "150": f"that is per cent. Read as a factor, a minute of video would be over in {60 / 150:g} s",
    "100": f"that is per cent. Read as a factor, a minute of video would be over in {60 / 100:g} s",
    "-1": "the video would run backwards, and take less than no time",
    "0": "the video stands still, and whoever computes how long it takes divides by zero later",
    "true": "the field is a number, and true is none",
}
_IMPORTS = "from dataclasses import replace\nfrom mlsd_lab.ingestion.contract import Contract, Field"
_SAMPLE = {"text": "x1", "whole": 3, "number": 0.5, "flag": True, "moment": "2026-01-31T18:05:00Z"}
_GOOD = "1", "2", "4", "1.0", "0.5", "1.5", "0.25", "3.75"  # as JSON
_BAD = "150", "100", "-1", "0", "5", "0.2", "4.001", "0.249", "true", '"1.5"', '"1.5x"', "[1]", "NaN", "1e400"
_MORE = '1, "captions": true'  # with a field that nobody announced; the old contract drops it


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(21)
    others = [name for name in EVENTS.columns if name not in _KEPT]
    drawn = {EVENTS.columns: EVENTS}
    for count in np.repeat(np.arange(1, len(others)), 14):
        names = _KEPT.union(rng.choice(others, count, replace=False))
        kept = tuple(field for field in EVENTS.fields if field.name in names)
        old = replace(EVENTS, name=str(rng.choice(_STREAMS)), fields=kept)
        drawn.setdefault(old.columns, old)
    for old in sorted(drawn.values(), key=lambda old: (len(old.fields), len(_shown({"old": old})))):
        yield {"old": old}


def _judge(case: Case, returned: Any) -> str:
    if not isinstance(returned, Contract):
        found = "nothing (is a return missing?)" if returned is None else repr(returned)[:40]
        return f"expected a contract, such as old.changed(…) returns, found {found}."
    try:
        return (
            _new_field(case["old"], returned) or _old_fields(case["old"], returned) or _records(case["old"], returned)
        )
    except (Exception, SystemExit) as error:  # a contract can be built of anything
        return f"That contract fails where it reads a record: {type(error).__name__}: {error}."


def _old_fields(old: Contract, new: Contract) -> str:
    """Say what became of all else, of which nothing was announced."""
    if gone := [name for name in old.columns if name not in new.columns]:
        others = f" and so are {len(gone) - 1} more of {len(old.fields)} fields" if len(gone) > 1 else ""
        return f"{gone[0]} is gone{others}: the app goes on sending them, and what a contract does not name is dropped."
    pairs = [(was.name, was, now) for was in old.fields for now in new.fields if now.name == was.name]
    compared: list[tuple[str, str, Any, Any]]
    compared = [(name, part.name, was, now) for name, was, now in pairs for part in fields(Field)]
    compared += [("the contract", part, old, new) for part in ("name", "key", "first", "date")]
    for name, part, was, now in compared:
        before, after = getattr(was, part), getattr(now, part)
        if before != after:
            return f"Of {name}, {part} was {before!r} and is {after!r} now; the announcement says nothing of that."
    return ""


def _new_field(old: Contract, new: Contract) -> str:
    """Say whether the new field can be the announced one at all."""
    added = [field for field in new.fields if field.name not in old.columns]
    unasked = [field.name for field in added if field.name != _NAME]
    if len(unasked) == len(added):
        found = f"your contract has {unasked[0]!r}" if unasked else "your contract has no new field"
        return f"The app sends {_NAME!r} and {found}: what a contract does not name is dropped."
    if unasked:
        told = "was it made from old?" if unasked[0] in EVENTS.columns else "its column would stay empty."
        return f"{unasked[0]!r} is neither in the old contract of {old.name!r} nor announced: {told}"
    if len(added) > 1:
        return f"{_NAME!r} is there {len(added)} times: one field says what the values must be."
    kinds = get_args(Kind)
    return "" if added[0].kind in kinds else f"There is no kind {added[0].kind!r}: choose among {', '.join(kinds)}."


def _records(old: Contract, new: Contract) -> str:
    """Send records through the contract, and say what was refused that is right, or let in that is wrong."""
    stream = ["none"] * (3 + len(old.fields)) + ["null"] * 2 + [_MORE, *_GOOD]  # older versions, crashes, all others
    refused = [value for value in stream if not _passes(old, new, value)]
    let_in = [value for value in _BAD if _passes(old, new, value)]
    count, wrong = f"{len(refused)} of {len(stream)} good records", f"{len(let_in)} of {len(_BAD)} wrong records"
    if "none" in refused:
        return f"You refused {count}, such as {_record(old, 'none')} of an older version: nobody told it of the field."
    if refused == [_MORE]:
        return (
            f"You refused {count}, {_record(old, _MORE)}: the old contract drops what it does not name, and reads on."
        )
    if '"1.5x"' in let_in:
        return f'{{"{_NAME}": "1.5x"}} went through, {wrong} in all: text has no average and no range.'
    if {"1", "4"}.isdisjoint(refused) and {"0.5", "1.5"} <= set(refused):
        return f"0.5 and 1.5 were refused, {count} in all: half as fast is a speed too."
    asked = "0.25 to 4 was announced, both included"
    if refused and let_in[:1] not in (["150"], ["100"], ["true"]):
        return f"A speed of {refused[-1]} was refused, {count} in all: {asked}."
    if let_in:
        return f"A speed of {let_in[0]} went through, {wrong} in all: {_MEANING.get(let_in[0], asked)}."
    return ""


def _record(old: Contract, value: str) -> str:
    """Return a record as JSON that has only what is required, and the speed: `none` where it was not sent."""
    known = {field.name: _SAMPLE[field.kind] for field in old.fields if field.required}
    speed = {} if value == "none" else {_NAME: "?"}
    return json.dumps(known | speed).replace('"?"', value)


def _passes(old: Contract, new: Contract, value: str) -> bool:
    try:
        new.read(_record(old, value).encode())
    except DataError:
        return False
    return True


def _shown(case: Case) -> str:
    old = case["old"]
    return f"contract(old), where old is {old.name!r} with {len(old.fields)} fields: {', '.join(old.columns)}"


EXERCISE = Exercise(
    key="2.1",
    title="A contract for a new field",
    name="contract",
    statement="""
The team of the app announces a field of the events it sends:

> `playback_speed`: from version 7 on, how fast the video was played, as a factor: `0.25` to `4`. Older versions do
> not send it. When the player crashes, the app sends null.

Write `contract(old)`: `old` is the contract of a stream of events as it stands; return one that has the announced
field too, and is otherwise the same. A *contract* says what each record must look like. A record that does not is
*refused*: set aside with the reason, and kept out of the table. A field that the contract does not name is dropped.

- `Field(name, kind, unit="", required=False, low=…, high=…)` is one field. `kind` is `"text"`, `"whole"` (a whole
  number), `"number"`, `"flag"` (true or false) or `"moment"`; a `required` field must be there and not null; `low` and
  `high` are the least and the greatest number that pass.
- `old.changed(field, …)` returns a copy of the contract with these fields too; one of the same name is replaced.

You are judged by records: several streams, with fields of their own, send right and wrong ones through your contract.
""",
    starter="""
from mlsd_lab.ingestion.contract import Field

def contract(old):
    return old  # change this line
""",
    hint="Go through the announcement word by word: which of them is the kind, which the range? What do "
    '`{"event_id": "e1"}`, `{"playback_speed": null}` and `{"playback_speed": 150}` mean, and which of them may pass?',
    solution="""
from mlsd_lab.ingestion.contract import Field

def contract(old):
    return old.changed(Field("playback_speed", "number", "factor", low=0.25, high=4))
""",
    another="""
from dataclasses import replace
from mlsd_lab.ingestion.contract import Field

def contract(old):
    speed = Field(name="playback_speed", kind="number", low=1 / 4, high=4.0, required=False)
    return replace(old, fields=(speed, *old.fields))
""",
    wrong=tuple(
        (f"{_IMPORTS}\ndef contract(old): return {returned}", sentence)
        for returned, sentence in (
            ("old.changed(Field('playback_speed', 'number', required=True, low=0.25, high=4))", "of an older version"),
            ("old.changed(Field('playback_speed', 'number'))", "of 150 went through, 8 of 14 wrong"),
            ("old.changed(Field('playback_speed', 'text'))", "text has no average"),
            ("old.changed(Field('playback_speed', 'whole', low=0, high=4))", "half as fast is a speed too"),
            ("old.changed(Field('playback_speed', 'number', low=0.25, high=3))", "of 3.75 was refused"),
            ("old.changed(Field('playback_speed', 'number', low=0.5, high=4))", "of 0.25 was refused"),
            ("old.changed(Field('playback_speed', 'number', low=0, high=4))", "divides by zero"),
            ("old.changed(Field('playback_speed', 'number', high=4))", "run backwards"),
            ("old.changed(Field('playback_speed', 'flag'))", "true is none"),
            ("old.changed(Field('playback_speed', 'float', low=0.25, high=4))", "no kind 'float'"),
            ("old.changed(Field('speed', 'number', low=0.25, high=4))", "has 'speed'"),
            (
                "replace(old.changed(Field('playback_speed', 'number', low=0.25, high=4)), added='refuse')",
                "drops what it does not name, and reads on",
            ),
            ("Contract(old.name, (Field('playback_speed', 'number'),), ('playback_speed',))", "event_id is gone"),
        )
    ),
    thought="Version 8 sends per cent in the same field, 25 to 400, and calls that no change. Which of its records "
    "does your contract refuse? And which would have passed if the range had been 0 to 100?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
