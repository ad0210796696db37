from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.exercises.ex_2_1 import _BAD, _GOOD, _MORE, _passes
from mlsd_lab.ingestion.contract import Contract, Field
from mlsd_lab.ingestion.contracts import EVENTS

SPEED = Field("playback_speed", "number", "factor", low=0.25, high=4)


def said(**changes: Any) -> str:
    """Return the feedback to the right field with parts of it changed."""
    return check("2.1", lambda old: old.changed(replace(SPEED, **changes))).text


def test_what_the_announcement_leaves_open_is_free() -> None:
    for contract in (
        lambda old: replace(old, fields=(SPEED, *old.fields)),
        lambda old: old.changed(replace(SPEED, unit="times")),
        lambda old: old.changed(*old.fields, SPEED),
        lambda old: old.changed(Field("playback_speed", "number", "x", False, 0.25, 4)),
        lambda old: old.changed(replace(SPEED, low=np.float64(0.25), high=np.float64(4))),
        lambda old: replace(old, fields=[*old.fields, SPEED]),
        lambda old: replace(old, fields=tuple(sorted((*old.fields, SPEED), key=lambda field: field.name))),
        lambda old: Contract(old.name, (*old.fields, SPEED), old.key, old.first, old.date),
        lambda old: deepcopy(old).changed(SPEED),
    ):
        assert check("2.1", contract).state == "solved"


def test_the_records_are_what_the_announcement_says() -> None:
    contract = EVENTS.changed(SPEED)
    assert all(_passes(EVENTS, contract, value) for value in ("none", "null", _MORE, *_GOOD))
    assert not any(_passes(EVENTS, contract, value) for value in _BAD)


def test_streams_are_the_feeds_events_or_fewer_of_their_fields() -> None:
    contracts = [case["old"] for case in exercise("2.1").cases()]
    assert contracts[-1] == EVENTS
    assert len({contract.columns for contract in contracts}) == len(contracts)
    assert all(set(contract.fields) <= set(EVENTS.fields) for contract in contracts)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"required": True}, 'such as {"event_id": "x1", "occurred_at": '),
        ({"low": 25, "high": 400}, "A speed of 150 went through, 2 of 14 wrong records in all: that is per cent. Read"),
        (
            {"high": 100},
            "A speed of 100 went through, 3 of 14 wrong records in all: that is per cent. Read as a factor",
        ),
        ({"high": 5}, "A speed of 5 went through, 2 of 14 wrong records in all: 0.25 to 4 was announced"),
        ({"low": 0.1}, "A speed of 0.2 went through, 2 of 14 wrong records in all: 0.25 to 4 was announced"),
        ({"high": 4.001}, "A speed of 4.001 went through, 1 of 14 wrong"),
        ({"low": 0.24}, "A speed of 0.249 went through, 1 of 14 wrong"),
        ({"low": 4, "high": 0.25}, "A speed of 3.75 was refused, 9 of 18 good records in all"),
        ({"low": float("nan")}, "A speed of 3.75 was refused, 9 of 18"),
        ({"low": 1}, "A speed of 0.25 was refused, 2 of "),
        ({"kind": "moment"}, "A speed of 3.75 was refused, 9 of "),
        ({"kind": "whole", "low": 1}, "0.5 and 1.5 were refused, 4 of 18"),
        ({"kind": "text"}, '{"playback_speed": "1.5x"} went through'),
        ({"kind": []}, "There is no kind []"),
        ({"low": "0.25"}, "That contract fails where it reads a record: TypeError"),
        ({"name": "playbackSpeed"}, "your contract has 'playbackSpeed'"),
    ],
)
def test_a_field_that_differs_is_told_what_it_lets_in_or_refuses(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in said(**changes)


def test_counts_in_the_feedback_are_of_the_records_sent() -> None:
    assert "You refused 9 of 18 good records, such as " in said(required=True)
    assert "0.5 and 1.5 were refused, 4 of 18 good records" in said(kind="whole", low=0)
    assert len(next(exercise("2.1").cases())["old"].fields) == 4


@pytest.mark.parametrize(
    ("contract", "sentence"),
    [
        (lambda old: old.changed(SPEED, Field("version", "whole")), "'version' is neither in the old contract"),
        (lambda _: EVENTS.changed(SPEED), "was it made from old?"),
        (lambda old: old.changed(SPEED, replace(old.fields[0], required=False)), "Of event_id, required was True"),
        (lambda old: replace(old.changed(SPEED), first=None), "Of the contract, first was 'known_at' and is None"),
        (lambda old: replace(old, fields=(*old.fields[:-1], SPEED)), " is gone: the app goes on"),
        (lambda old: Contract(old.name, (*old.fields, SPEED), old.key), "first was 'known_at'"),
        (lambda old: old.changed(Field("a", "text")), "The app sends 'playback_speed' and your contract has 'a'"),
        (lambda old: replace(old.changed(SPEED), key=()), "Of the contract, key was ('event_id',) and is ()"),
        (lambda old: replace(old.changed(SPEED), added="refuse"), 'refused 1 of 18 good records, {"event_id": "x1"'),
        (lambda old: old.changed, "expected a contract"),
        (lambda _: SPEED, "expected a contract, such as old.changed(…) returns, found Field("),
        (lambda old: replace(old, fields=[*old.fields, SPEED, SPEED]), "'playback_speed' is there 2 times"),
        (lambda old: old.changed("playback_speed"), "your function raised AttributeError"),
    ],
)
def test_what_was_not_announced_stays_as_it_was(contract: Any, sentence: str) -> None:
    assert sentence in check("2.1", contract).text


def test_a_contract_whose_parts_are_junk_gets_a_sentence() -> None:
    def contract(old: Contract) -> Contract:
        new = old.changed(SPEED)
        object.__setattr__(new, "fields", 7)
        return new

    assert "That contract fails where it reads a record: TypeError" in check("2.1", contract).text


def test_a_contract_whose_reading_is_its_own_gets_a_sentence() -> None:
    class Leaves(Contract):
        def read(self, line: bytes, now: datetime | None = None) -> dict[str, Any]:  # noqa: ARG002
            raise SystemExit(3)

    def contract(old: Contract) -> Contract:
        return Leaves(old.name, (*old.fields, SPEED), old.key, old.first, old.date)

    assert "That contract fails where it reads a record: SystemExit: 3." in check("2.1", contract).text


def test_a_contract_changed_in_place_is_told() -> None:
    def contract(old: Contract) -> Contract:
        object.__setattr__(old, "fields", (*old.fields, SPEED))
        return old

    assert "You changed the old you were given" in check("2.1", contract).text


def test_another_contract_without_the_field_is_not_answered_yet() -> None:
    assert check("2.1", lambda old: replace(old)).state == "unanswered"
