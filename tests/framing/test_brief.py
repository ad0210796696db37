import re
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import Brief, Quantity

NAMES = ("ad-clicks", "event-recommendation", "harmful-content", "similar-listings", "video-feed")
HUGE = 10**5000
WRONG = (-1, float("nan"), float("inf"), True, "many", "", "3 zzz", None, [1], 1e30, HUGE, "1e99")
FEED = Brief.load("video-feed")
NUMBERS = {one.name: one.metadata for one in fields(Brief) if "unit" in one.metadata}
WHOLE = sorted(name for name, asked in NUMBERS.items() if asked.get("whole"))
texts = st.text(st.characters().filter(str.isprintable))


def numbers(name: str) -> st.SearchStrategy[Any]:
    asked = NUMBERS[name]
    if asked.get("whole"):
        return st.integers(asked["least"], asked["most"])
    return st.floats(asked["least"], asked["most"], exclude_min=asked.get("above", False))


briefs = st.builds(
    Brief, name=texts, prompt=texts, personal_data=st.lists(texts), **{name: numbers(name) for name in NUMBERS}
)


def without(*keys: str) -> str:
    return "".join(line for line in FEED.to_toml().splitlines(True) if line.split(" = ")[0] not in keys)


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Brief.from_toml(text, source="mine.toml")
    assert str(caught.value).startswith("mine.toml")
    return str(caught.value)


@given(briefs)
def test_what_is_written_reads_back_the_same(brief: Brief) -> None:
    again = Brief.from_toml(brief.to_toml())
    assert again == brief
    assert again.to_toml() == brief.to_toml()


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_briefs(name: str) -> None:
    brief = Brief.load(name)
    assert brief.name == name
    assert re.fullmatch(r"[A-Z][^.]*\.", brief.prompt)
    assert brief.personal_data
    path = Path(__file__).parents[2] / "mlsd_lab" / "framing" / "briefs" / f"{name}.toml"
    assert path.read_text(encoding="utf-8").endswith(brief.to_toml())
    assert "assumptions" in path.read_text(encoding="utf-8").partition("\nname")[0]
    assert Brief.load(path) == Brief.load(str(path)) == brief


def test_the_shipped_briefs_differ() -> None:
    for field in ("users", "latency_p99_ms", "freshness_seconds", "label_delay_seconds", "catalogue_videos"):
        assert len({getattr(Brief.load(name), field) for name in NAMES}) == len(NAMES), field


def test_defaults(tmp_path: Path) -> None:
    path = tmp_path / "my-shop.toml"
    path.write_text(without("name", "prompt", "personal_data", "events_per_request"), encoding="utf-8-sig")
    brief = Brief.load(path)
    assert (brief.name, brief.prompt, brief.personal_data, brief.events_per_request) == ("my-shop", "", (), 1)


def test_each_line_says_unit_and_question() -> None:
    lines = FEED.to_toml().splitlines()
    assert [line.split(" = ")[0] for line in lines] == [one.name for one in fields(Brief)]
    for line, one in zip(lines, fields(Brief), strict=True):
        assert line.endswith(f"  # {one.metadata.get('unit', 'text') or 'times'}: {one.metadata['question']}")


@pytest.mark.parametrize("name", ["video-fed", "", ".", "no/such.toml", "x" * 5000, "\0"])
def test_a_name_that_is_neither_brief_nor_file_lists_the_briefs(name: str) -> None:
    with pytest.raises(ConfigError, match=", ".join(NAMES)):
        Brief.load(name)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="a readable TOML file in UTF-8"):
        Brief.load(tmp_path / "a.toml")


def test_an_unknown_key_names_the_nearest_with_its_unit() -> None:
    assert "unknown key latency_p99_s: did you mean latency_p99_ms, in ms?" in refused(
        FEED.to_toml() + "latency_p99_s = 0.2\n"
    )
    assert "the keys are name, prompt, item, users" in refused("zzzz = 1")
    with pytest.raises(ConfigError, match="unknown key user: did you mean users, in users"):
        FEED.changed(user=3)


def test_all_missing_keys_are_said_at_once_with_unit_and_range() -> None:
    said = refused(without("users", "regions", "peak_factor", "prompt"))
    assert "users (a whole number from 1 to 100,000,000,000 in users)" in said
    assert "peak_factor (a number from 1 to 1,000 in times), regions (a whole number" in said
    assert "prompt" not in said


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_wrong_number_names_field_unit_range_and_what_was_found(name: str, wrong: object) -> None:
    with pytest.raises(ConfigError) as caught:
        FEED.changed(**{name: wrong})
    said, asked = str(caught.value), NUMBERS[name]
    assert said.startswith(f"{name}: expected a ")
    assert f"{asked['most']:,} in {asked['unit'] or 'times'}, found " in said
    assert f"{asked['least']:,}" in said
    assert (repr(wrong) if wrong is not HUGE else "more than 60 digits") in said


@pytest.mark.parametrize("name", WHOLE)
def test_a_count_is_whole(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: expected a whole number .* found 2\.5$"):
        FEED.changed(**{name: 2.5})
    assert isinstance(getattr(FEED.changed(**{name: 2.0}), name), int)


@pytest.mark.parametrize("name", [name for name, asked in NUMBERS.items() if asked.get("above")])
def test_nothing_at_all_is_refused_where_it_would_be_divided_by(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected a number above 0"):
        FEED.changed(**{name: 0})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("latency_p99_ms", "0.2 s", 200),
        ("latency_p99_ms", "0.0001 s", 0.1),
        ("retention_days", "36 h", 1.5),
        ("retention_days", "2 years", 730),
        ("users", "1,000 users", 1000),
        ("daily_active_share", "30 %", 0.3),
        ("peak_factor", "2.5", 2.5),
        ("event_bytes", "0.5 kB/event", 500),
        ("budget_usd_month", "10 usd/day", 300),
    ],
)
def test_a_text_with_a_unit_is_converted_exactly(name: str, text: str, value: float) -> None:
    assert getattr(FEED.changed(**{name: text}), name) == value
    assert getattr(Brief.from_toml(without(name) + f'{name} = "{text}"'), name) == value


@pytest.mark.parametrize(
    ("name", "text"), [("latency_p99_ms", "0.2 users"), ("latency_p99_ms", "200 bytes"), ("users", "3 videos")]
)
def test_a_text_with_a_unit_of_another_kind_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected .* found '{text}': no number, or a wrong unit"):
        FEED.changed(**{name: text})


def test_what_does_not_come_out_even_is_refused() -> None:
    for value in ("1 h", Fraction(1, 3)):
        with pytest.raises(ConfigError, match="does not come out even"):
            FEED.changed(retention_days=value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nusers = = 3\n", "mine.toml, line 2: not TOML: invalid value"),
        ("a = 1\nb = [1,\n", "mine.toml, line 2: not TOML"),
        ("users = 1\nusers = 2\n", "mine.toml, line 2: not TOML: cannot overwrite a value"),
        ("a = " + "[" * 100_000, "mine.toml: not TOML that can be read"),
        ("users = " + "9" * 5000, "mine.toml: not TOML that can be read"),
        ("", "mine.toml: add what is missing: users ("),
    ],
)
def test_broken_toml_is_a_sentence_with_file_and_line(text: str, said: str) -> None:
    assert refused(text).startswith(said)


def test_broken_toml_shows_no_traceback_of_the_parser() -> None:
    with pytest.raises(ConfigError) as caught:
        Brief.from_toml("=")
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", ["[users]\nnumber = 3", "users.number = 3", "users = {number = 3}", "[mine]\na = 1"])
def test_tables_are_refused(text: str) -> None:
    assert "a brief has no tables" in refused(text)


def test_lists_of_tables_and_dates_are_refused() -> None:
    assert "users: expected" in refused(without("users") + "[[users]]\na = 1")
    assert "users: expected" in refused(without("users") + "users = 2026-01-01")


@pytest.mark.parametrize("wrong", ["two\nlines", "a\tb", "\x7f", "\x00", "\ud800", 3, None, ["a"]])
def test_texts_are_printable(wrong: object) -> None:
    for name in ("name", "prompt"):
        with pytest.raises(ConfigError, match=f"^{name}: expected text in one line of printable letters, found"):
            FEED.changed(**{name: wrong})
    rules = "sentence" if wrong == ["a"] else [wrong]
    with pytest.raises(ConfigError, match=r"^personal_data: expected a list of sentences in one line"):
        FEED.changed(personal_data=rules)


def test_a_text_without_a_unit_is_in_the_units_of_its_field() -> None:
    assert FEED.changed(users="2,000").users == 2_000
    assert FEED.changed(latency_p99_ms="200", daily_active_share="30 %").daily_active_share == 0.3


def test_questions_have_an_answer_each() -> None:
    asked = {one.field: one for one in FEED.questions()}
    assert list(asked) == [one.name for one in fields(Brief)][3:]
    assert all(one.question.endswith("?") for one in FEED.questions())
    assert asked["users"].value == "1,000,000,000 users"
    assert asked["event_bytes"].value == "500 B/event"
    assert asked["personal_data"].value.startswith("Watch histories are deleted 90 days after the watch. A ")
    assert FEED.changed(personal_data=()).questions()[12].value == "none"


def test_quantities_have_the_units_of_the_fields() -> None:
    assert list(FEED.quantities()) == list(NUMBERS)
    assert FEED.quantities()["latency_p99_ms"] == Quantity.of(0.2, "s")


def test_it_is_readable() -> None:
    brief = FEED.changed(prompt="<b>What & why?</b>")
    assert "- How old may a feature be? 60 s (freshness_seconds)" in repr(brief)
    row = [part.rpartition(">")[2] for part in brief._repr_html_().split("</td>")]
    assert row[row.index("freshness_seconds") - 2 :][:2] == ["How old may a feature be?", "60 s"]
    assert brief._repr_html_().index("<details>") < brief._repr_html_().index("<table>")
    assert "&lt;b&gt;What &amp; why?&lt;/b&gt;" in brief._repr_html_()


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FEED.users = 3  # type: ignore[misc]
