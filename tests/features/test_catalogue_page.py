from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd

from mlsd_lab.features import About, Catalogue, Sum, derived, windowed
from mlsd_lab.features.catalogue_page import catalogue_page
from mlsd_lab.features.described import described
from mlsd_lab.features.feed import FEED
from tests.features.store_contract import MANY_KEYS


class Seen(HTMLParser):
    """Ids, links, tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links |= {unquote(value or "") for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_feature_has_its_place_and_each_link_leads_to_one() -> None:
    seen = Seen(catalogue_page(described(MANY_KEYS)))
    assert sorted(seen.ids) == sorted(feature.name for feature in MANY_KEYS.features)
    assert seen.links == {f"#{name}" for name in seen.ids}
    for feature in MANY_KEYS.features:
        assert feature.meaning in seen.text
        assert ", ".join(feature.columns) in seen.text
    for told in ("creator_id × topic × user_id", "36h after the newest event", "-1.0, where there is no value"):
        assert told in seen.text


def test_personal_features_are_marked_and_no_others() -> None:
    page = catalogue_page(described(FEED))
    personal = {feature.name for feature in FEED.features if feature.columns[0] in FEED.personal}
    assert page.count('class="personal"') == len(personal)
    for name in personal:
        assert f'<article id="{name}" class="personal">' in page


def test_whatever_stands_in_a_catalogue_is_text_on_the_page() -> None:
    evil = "<script>alert('x')</script>\"&'</pre>{{ 7 * 7 }}"

    def rows(events: pd.DataFrame) -> pd.Series:
        return events.watch_seconds

    rows.__name__, rows.__doc__ = 'a"><script>#é %', evil
    about = About(owner=evil, unit=evil, tags=(evil,))
    feature = windowed("user_id", "1d", Sum, about)(rows)
    page = catalogue_page(described(Catalogue(evil, evil, [feature])))
    seen = Seen(page)
    assert "script" not in seen.tags
    assert seen.ids == [rows.__name__]
    assert seen.links == {f"#{rows.__name__}"}
    assert seen.text.count(evil) == 9  # name and version in title and heading, meaning, owner twice, unit, tags
    assert "49" not in page.replace(described(Catalogue(evil, evil, [feature]))["fingerprint"], "")


def test_an_owner_finds_what_to_answer_for_on_top() -> None:
    page = catalogue_page(described(FEED))
    links = {name: f'<a href="#{name}">{name}</a>' for name in ("video_age_days", "video_duration")}
    assert f"<tr><td>content</td><td>{links['video_age_days']}, {links['video_duration']}</td></tr>" in page
    assert page.index("<td>content</td>") < page.index("<article")


def test_what_feeds_what_is_told_on_both_ends() -> None:
    @windowed("user_id", "1d", Sum)
    def watched(events: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return events.watch_seconds

    @derived
    def log_watched(watched_1d: np.ndarray) -> np.ndarray:
        """Its logarithm."""
        return np.log1p(watched_1d)

    page = catalogue_page(described(Catalogue("c", "1", [watched, log_watched])))
    mark = '<span class="mark" title="personal">▌</span>'
    assert f'<dt>feeds</dt><dd>{mark}<a href="#log_watched">log_watched</a></dd>' in page
    assert '<dt>made of</dt><dd><a href="#watched">watched_1d</a></dd>' in page
    fed = f'{mark}<a href="#watched">watched</a>, {mark}<a href="#log_watched">log_watched</a>'
    assert f"<tr><td>events.watch_seconds</td><td>{fed}</td>" in page


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = catalogue_page(described(MANY_KEYS))
    assert not {"script", "link", "img", "iframe"} & Seen(page).tags
    assert "url(" not in page
    assert "@import" not in page


def test_a_catalogue_of_nothing_is_a_page() -> None:
    assert "0 features in 0 columns" in catalogue_page(described(Catalogue("none", "1", [])))
