from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, ConflictError, DataError
from mlsd_lab.features import Catalogue, MemoryStore, Snapshot, Timeline, derived, stream
from mlsd_lab.features.feed import FEED, user_relevant, video_impressions
from mlsd_lab.features.stores.head import HEAD, Head
from tests.features.store_contract import ASKED, MANY_KEYS, three_events
from tests.features.streams import VIDEOS, assert_bits_equal, seeded_log

LOG = seeded_log(400)
EVENTS = stream(LOG)
LATER = EVENTS["known_at"].iloc[-1] + timedelta(minutes=1)


def store_at(position: int, catalogue: Catalogue = MANY_KEYS) -> MemoryStore:
    store = MemoryStore(catalogue, VIDEOS)
    store.absorb(EVENTS.iloc[:position], offset=0)
    return store


def offline(snapshot: Snapshot, video_ids: Sequence[str]) -> pd.DataFrame:
    """What training computes of some videos at the snapshot's own position and moment."""
    rows = pd.DataFrame({"user_id": "anybody", "video_id": video_ids, "as_of": snapshot.as_of})
    return Timeline(snapshot.catalogue, LOG).features(rows, np.full(len(rows), snapshot.position))


def test_features_of_the_moment_are_not_frozen_in_it_and_with_the_others_the_model_has_all() -> None:
    store = store_at(400)
    snapshot = Snapshot.of(store, ASKED, LATER)
    assert "video_age_days" in snapshot.others
    kept, now = snapshot.lookup(ASKED), store.lookup("u1", ASKED, LATER, "home", columns=snapshot.others)
    whole = store.lookup("u1", ASKED, LATER, "home")
    together = kept.to_frame().join(now.to_frame())[list(MANY_KEYS.columns)]
    assert_bits_equal(together, whole.to_frame())
    assert (kept.expired + now.expired, kept.defaulted + now.defaulted) == (whole.expired, whole.defaulted)
    assert whole.expired > 0 < whole.defaulted


def test_it_stays_as_it_was_and_says_how_old_it_is_and_how_far_behind() -> None:
    store, moment = store_at(300), EVENTS["known_at"].iloc[299] + timedelta(minutes=2)
    snapshot = Snapshot.of(store, ASKED, moment)
    before = snapshot.lookup(ASKED)
    store.absorb(EVENTS.iloc[300:], offset=300)
    assert_bits_equal(snapshot.lookup(ASKED).to_frame(), before.to_frame())
    assert_bits_equal(before.to_frame(), offline(snapshot, ASKED))
    newer = Snapshot.of(store, ASKED, LATER)
    assert not np.array_equal(newer.lookup(ASKED).values, before.values, equal_nan=True)
    assert snapshot.version == (300, moment) < newer.version
    assert snapshot.age(LATER) == LATER - moment == -newer.age(moment)
    assert (snapshot.behind(store.lookup("u0", [], LATER)), newer.behind(store.lookup("u0", [], LATER))) == (100, 0)


def test_nobody_can_change_it_also_not_by_what_it_answered() -> None:
    snapshot = Snapshot.of(store_at(400), ASKED, LATER)
    with pytest.raises(FrozenInstanceError):
        snapshot.position = 7  # type: ignore[misc]
    first = snapshot.lookup(["v0"])
    first.values[:] = -1
    assert_bits_equal(snapshot.lookup(["v0"]).to_frame(), offline(snapshot, ["v0"]))


def test_a_video_it_does_not_know_has_the_empty_past_and_any_order_and_number_is_answered() -> None:
    snapshot, store = Snapshot.of(store_at(400), ["v0", "v1"], LATER), store_at(0)
    slate = ["v1", "v2", "unheard of", "v0", "v1"]
    found = snapshot.lookup(slate).to_frame()
    assert_bits_equal(found.iloc[[0, 3, 4]], offline(snapshot, slate).iloc[[0, 3, 4]])
    nothing = store.lookup("", ["never"], LATER, columns=snapshot.catalogue.columns)
    never = nothing.to_frame()
    assert_bits_equal(found.iloc[[1, 2]].reset_index(drop=True), pd.concat([never, never], ignore_index=True))
    assert snapshot.lookup(["never"]).defaulted == nothing.defaulted
    assert snapshot.lookup([]).values.shape == (0, len(snapshot.catalogue.columns))
    assert Snapshot.of(store_at(400), [], LATER).lookup(["v0"]).values.shape == (1, len(snapshot.catalogue.columns))


def test_a_moment_without_a_time_zone_is_refused() -> None:
    store = store_at(400)
    with pytest.raises(DataError, match="expected a time with a time zone"):
        Snapshot.of(store, ASKED, LATER.tz_localize(None))
    with pytest.raises(DataError, match="expected a time with a time zone"):
        Snapshot.of(store, ASKED, LATER).age(LATER.tz_localize(None))


def test_ids_are_text_as_they_are_for_a_store() -> None:
    videos = pd.DataFrame({"video_id": ["7"], "duration_seconds": [9.0]})
    snapshot = Snapshot.of(MemoryStore(FEED, videos), [7], LATER)  # type: ignore[list-item]
    assert snapshot.lookup([7, "7", np.str_("7")]).to_frame()["video_duration"].tolist() == [9.0] * 3  # type: ignore[list-item]


def test_readers_see_the_old_one_or_the_new_one_and_never_both() -> None:
    snapshots = [Snapshot.of(store_at(at), ASKED, LATER) for at in (100, 200, 300, 400)]
    expected = {one.position: one.lookup(ASKED).values.tobytes() for one in snapshots}
    assert len(set(expected.values())) == 4
    current = snapshots[:1]

    def read(_: int) -> None:
        seen: set[int] = set()
        while len(seen) < 4:
            found = current[0].lookup(ASKED)
            assert found.values.tobytes() == expected[found.position]
            seen.add(found.position)

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read, number) for number in range(4)]
        for snapshot in cycle(snapshots):
            current[0] = snapshot
            if all(reader.done() for reader in readers):
                break
        assert [reader.result() for reader in readers] == [None] * 4


class Moving(MemoryStore):
    """Another writer comes between any two reads, so many times."""

    moves = 0

    def _get_to_write(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        found = [*super()._get_to_write(keys)]
        if self.moves and len(keys) > 1:
            self.moves -= 1
            head = Head.of(self._rows[HEAD])
            self._rows[HEAD] = replace(head, position=head.position + 1).to_bytes()
        return found


@pytest.mark.parametrize("moves, position", [(1, 1), (8, 8)])
def test_a_store_that_moves_between_chunks_is_read_again(moves: int, position: int) -> None:
    store = Moving(FEED, VIDEOS)
    store.moves = moves
    assert Snapshot.of(store, [f"v{at}" for at in range(2_500)], LATER).position == position


def test_a_store_that_never_stands_still_gets_a_sentence() -> None:
    store = Moving(FEED, VIDEOS)
    store.moves = 100
    with pytest.raises(
        ConflictError, match=r"one position for 2,500 videos, found that others wrote meanwhile, 5 times"
    ):
        Snapshot.of(store, [f"v{at}" for at in range(2_500)], LATER)


def test_what_is_derived_is_in_it_if_all_it_is_made_of_is() -> None:
    @derived
    def shown_a_second(video_impressions_all: Any, duration_seconds: Any) -> Any:
        """Impressions a second of length."""
        return video_impressions_all / (1 + duration_seconds)

    @derived
    def doubled(shown_a_second: Any) -> Any:
        """Twice that."""
        return 2 * shown_a_second

    @derived
    def lift(doubled: Any, user_relevant_7d: Any) -> Any:
        """How much better the video does than this person's usual one."""
        return doubled - user_relevant_7d

    @derived
    def lift_a_day(lift: Any, as_of: Any, uploaded_at: Any) -> Any:
        """Per day since the upload."""
        return lift / ((as_of - uploaded_at) / np.timedelta64(1, "D"))

    parts: list[Any] = [video_impressions, user_relevant, shown_a_second, doubled, lift, lift_a_day]
    store = store_at(400, Catalogue("c", "1", parts))
    snapshot = Snapshot.of(store, ASKED, LATER)
    assert snapshot.catalogue.columns == (*video_impressions.columns, "shown_a_second", "doubled")
    assert snapshot.others == (*user_relevant.columns, "lift", "lift_a_day")
    kept, now = snapshot.lookup(ASKED), store.lookup("u1", ASKED, LATER, columns=snapshot.others)
    together = kept.to_frame().join(now.to_frame())[list(store.catalogue.columns)]
    assert_bits_equal(together, store.lookup("u1", ASKED, LATER).to_frame())


def test_what_has_no_features_of_videos_or_a_moment_that_has_passed_is_refused() -> None:
    with pytest.raises(ConfigError, match="catalogue people: expected features of videos alone, found none"):
        Snapshot.of(MemoryStore(Catalogue("people", "1", [user_relevant]), VIDEOS), ["v0"], LATER)
    store = MemoryStore(FEED, VIDEOS)
    store.absorb(three_events()[1], offset=0)
    with pytest.raises(ConfigError, match="after the newest event absorbed"):
        Snapshot.of(store, ["v0"], three_events()[1]["known_at"].iloc[-1])
