from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from mlsd_lab.datasets.datasheet import RULES, Datasheet, Relevance, iana_zone
from mlsd_lab.errors import ConfigError


@pytest.mark.parametrize("relevance", get_args(Relevance))
def test_every_relevance_has_a_rule_in_words(relevance: Relevance) -> None:
    assert Datasheet("mine", relevance=relevance).rule == RULES[relevance]
    assert len(RULES) == len(get_args(Relevance))


def test_a_datasheet_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Datasheet("mine").name = "yours"  # type: ignore[misc]


def test_a_zone_is_found_by_its_iana_name() -> None:
    assert iana_zone("Asia/Shanghai").key == "Asia/Shanghai"


@pytest.mark.parametrize("name", ["", "Europe", "../UTC", "/etc/passwd", "Mars/Olympus", "a\0b", "x" * 5000])
def test_a_zone_that_does_not_exist_is_refused_in_a_short_sentence(name: str) -> None:
    with pytest.raises(ConfigError, match="expected an IANA name such as Europe/Berlin or UTC, found") as refused:
        iana_zone(name)
    assert len(str(refused.value)) < 200
