from fractions import Fraction

import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import FACTS, contradictions
from mlsd_lab.framing.facts import Fact, fact
from mlsd_lab.framing.quantity import Quantity


def changed(key: str, quantity: Quantity) -> tuple[Fact, ...]:
    return tuple(Fact(key, quantity, "", "me", 2026) if one.key == key else one for one in FACTS)


def test_the_lesson_contradicts_itself() -> None:
    # 10,000,000 requests/s × 86,400 s/day ÷ 1,300,000,000 users = 864,000 ÷ 1300 = 664.615...
    # 150 × 10⁹ views ÷ 30 days × 10 % ÷ 2 views/page ÷ 1.3 × 10⁹ users = 0.25 ÷ 1.3 = 0.1923...
    # 664.615 ÷ 0.1923 = 864,000 ÷ 250 = 3456
    (found,) = contradictions()
    assert found.larger.quantity == Quantity.of(Fraction(864_000, 1300), "requests/user/day")
    assert found.smaller.quantity == Quantity.of(Fraction(25, 130), "requests/user/day")
    assert found.ratio == pytest.approx(3456, rel=1e-12)
    assert [one.key for one in found.facts] == [
        *("users", "requests_per_second", "views_per_month", "recommended_share", "views_per_page"),
    ]
    assert found.sources == ("Educative, Machine Learning System Design, lesson on video recommendation",)
    assert "3,456 × apart" in repr(found) and "664.6 requests/user/day" in repr(found)


def test_a_contradiction_is_more_than_apart() -> None:
    assert contradictions(apart=3455.9) and not contradictions(apart=3456)
    hourly = changed("requests_per_second", Quantity.of(5_000_000, "requests/h"))  # 12 ÷ 130 against 25 ÷ 130 a day
    assert contradictions(hourly)[0].ratio == pytest.approx(25 / 12, rel=1e-12)
    assert contradictions(hourly, apart=2.1) == []


def test_the_larger_comes_first_whichever_way_it_is() -> None:
    (found,) = contradictions(changed("requests_per_second", Quantity.of(1, "request/s")))
    assert found.smaller.lines[1] == "= requests_per_second ÷ users"
    assert found.ratio == pytest.approx(10**7 / 3456, rel=1e-12)
    assert found.sources[-1] == "me"


def test_a_way_whose_facts_are_not_given_is_not_tried() -> None:
    assert contradictions([one for one in FACTS if one.key != "views_per_page"]) == []
    assert contradictions([]) == []


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ConfigError, match="found users twice"):
        contradictions([*FACTS, FACTS[0]])
    with pytest.raises(ConfigError, match="expected more than 0, found 0 users"):
        Fact("users", Quantity.of(0, "users"), "", "", None)
    for apart in (0.5, float("nan")):
        with pytest.raises(ConfigError, match="apart: expected a number of at least 1"):
            contradictions(apart=apart)
    with pytest.raises(ConfigError, match="multiply it by"):
        contradictions(changed("users", Quantity.of(5, "videos")))
    with pytest.raises(ConfigError, match="expected the key of a fact"):
        fact("user")


def test_each_fact_has_a_key_of_its_own_a_sentence_and_a_source() -> None:
    assert len({one.key for one in FACTS}) == len(FACTS)
    assert all(one.says.endswith(".") and one.source for one in FACTS)
    assert fact("latency").quantity == Quantity.of(0.2, "s") and "2023" in repr(fact("latency"))
