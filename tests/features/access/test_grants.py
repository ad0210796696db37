from typing import Any

from mlsd_lab.features import About, Catalogue, derived
from mlsd_lab.features.access.grants import Grants
from mlsd_lab.features.feed import FEED


def entry(what: str, *columns: str, role: str = "analyst", catalogue: str = "feed", **more: Any) -> dict[str, Any]:
    return {"what": what, "role": role, "catalogue": catalogue, "columns": columns, "personal": (), **more}


def test_nothing_is_allowed_unless_it_was_granted_to_this_role_of_this_catalogue() -> None:
    assert Grants([]).refused("analyst", FEED, FEED.columns) == FEED.columns
    grants = Grants([entry("grant", "retrieval_other", "video_impressions_1d")])
    assert grants.refused("analyst", FEED, ["video_impressions_1d", "video_duration"]) == ("video_duration",)
    assert grants.refused("analyst2", FEED, ["video_impressions_1d"])
    other = Catalogue("other feed", "1", FEED.features)
    assert grants.refused("analyst", other, ["video_impressions_1d"])


def test_the_newest_word_counts() -> None:
    grant, revoke = entry("grant", "video_duration", "video_age_days"), entry("revoke", "video_duration")
    columns = ["video_duration", "video_age_days"]
    assert Grants([grant, revoke]).refused("analyst", FEED, columns) == ("video_duration",)
    assert Grants([revoke, grant]).refused("analyst", FEED, columns) == ()
    assert Grants([grant, revoke, grant]).refused("analyst", FEED, columns) == ()
    assert Grants([grant, entry("mended"), revoke]).changes == 3


def test_what_becomes_personal_needs_a_grant_that_says_so() -> None:
    @derived(about=About(personal=True))
    def video_duration(duration_seconds: Any) -> Any:
        """Length of the video in seconds."""
        return duration_seconds

    now_personal = Catalogue("feed", "2", [video_duration])
    plain = entry("grant", "video_duration")
    assert Grants([plain]).refused("analyst", FEED, ["video_duration"]) == ()
    assert Grants([plain]).refused("analyst", now_personal, ["video_duration"])
    on_purpose = entry("grant", "video_duration", personal=["video_duration"])
    assert Grants([plain, on_purpose]).refused("analyst", now_personal, ["video_duration"]) == ()
    assert Grants([on_purpose, plain]).refused("analyst", now_personal, ["video_duration"])


def test_the_table_has_a_row_a_role_and_column() -> None:
    grants = Grants([entry("grant", "a", "b", personal=["b"]), entry("grant", "a", role="aa"), entry("revoke", "a")])
    assert grants.to_frame().values.tolist() == [["aa", "feed", "a", False], ["analyst", "feed", "b", True]]
    assert grants.of("analyst", "feed") == ("b",)
    assert grants.of("nobody", "feed") == ()
    assert (grants.roles("feed"), grants.roles("other")) == (("aa", "analyst"), ())
    assert Grants([entry("grant", "a"), entry("revoke", "a")]).roles("feed") == ()
