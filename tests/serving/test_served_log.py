from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, ConflictError, DataError
from mlsd_lab.features import Catalogue
from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.upkeep import compact
from mlsd_lab.ingestion.warehouse import Warehouse
from mlsd_lab.serving import ServedLog
from tests.ingestion.records import NOW
from tests.ingestion.test_erase import everything
from tests.serving.served_rows import served_rows

ROWS = served_rows()
COLUMNS = list(ROWS.columns)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "served")


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["as_of", "request_id", "rank"], ignore_index=True)


def assert_same(found: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Hold equal to the bit, but for the bits of NaN."""
    assert sorted(found.columns) == sorted(rows.columns)
    for name in rows:
        ours, theirs = found[name], in_order(rows)[name]
        if ours.dtype == np.float64:
            found_bits, bits = (np.where(np.isnan(side), np.nan, side).view(np.int64) for side in (ours, theirs))
            assert found_bits.tolist() == bits.tolist(), name
        elif name in ("as_of", "newest_known_at"):
            assert ours.dtype == "datetime64[us, UTC]"
            assert ours.equals(theirs.astype("datetime64[us, UTC]"))
        else:
            assert ours.tolist() == theirs.tolist(), name


def test_batches_come_back_together_bit_for_bit(lake: Lake) -> None:
    log = ServedLog(lake)
    for at in range(0, 50, 10):
        log.append(ROWS.iloc[at : at + 10], FEED)
    assert log.rows == 50
    assert_same(log.read(), ROWS)
    for rows in (1, 5_000):
        assert_same(in_order(pd.concat(log.pieces(FEED, rows), ignore_index=True)), ROWS)


def test_any_bits_of_a_number_and_any_text_come_back(lake: Lake) -> None:
    rng = np.random.default_rng(0)
    odd = [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 2**53 + 1.0, 0.1 + 0.2]
    floats = np.concatenate([odd, rng.integers(-(2**63), 2**63 - 1, 4_992).view(np.float64)])
    texts: list[str | None] = [None, "", "None", "nan", "NULL", "zoë 日本🎬", "a\tb\n\0c", "'; DROP", "x" * 9_999]
    rows = pd.concat([ROWS.iloc[:1]] * 5_000, ignore_index=True)
    rows = rows.assign(user_relevant_7d=floats, score=-floats, rank=range(5_000), tile=2**62)
    rows["surface"] = pd.Series(texts[:2] * 2_400 + [texts[at % 9] for at in range(200)], dtype=object)
    ServedLog(lake).append(rows.assign(degraded=None), FEED)
    assert_same(ServedLog(lake).read(), rows.assign(degraded=None))


def test_moments_before_1970_and_no_newest_event_come_back(lake: Lake) -> None:
    rows = ROWS.iloc[:5].assign(as_of=pd.Timestamp("1969-12-31 23:59:59.999999", tz="Europe/Berlin"))
    rows["newest_known_at"] = pd.DatetimeIndex([None] * 5, tz="UTC")
    ServedLog(lake).append(rows, FEED)
    found = ServedLog(lake).read()
    assert found["newest_known_at"].isna().all()
    assert (found["as_of"] == rows["as_of"].iloc[0]).all()


def test_nothing_served_writes_nothing(lake: Lake) -> None:
    ServedLog(lake).append(ROWS.iloc[:0], FEED)
    assert not lake.has("served")


def test_a_batch_is_there_whole_or_not_at_all(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ServedLog(lake)
    log.append(ROWS.iloc[:10], FEED)
    with monkeypatch.context() as patch:
        patch.setattr("deltalake.write_deltalake", _broken_off)
        with pytest.raises(KeyboardInterrupt):
            log.append(ROWS.iloc[10:], FEED)
    assert_same(log.read(), ROWS.iloc[:10])


def _broken_off(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_servers_that_append_at_once_lose_nothing_and_write_nothing_twice(lake: Lake) -> None:
    pieces = [ROWS.iloc[at : at + 5] for at in range(0, 50, 5)]
    ServedLog(lake).append(pieces[0], FEED)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda piece: ServedLog(Lake(lake.root)).append(piece, FEED), pieces[1:]))
    assert_same(ServedLog(lake).read(), ROWS)


def test_a_log_that_others_write_to_all_the_time_is_a_conflict(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refused(*_: Any, **__: Any) -> None:
        tried.append(1)
        raise ConflictError("another was first")

    monkeypatch.setattr(LakeTable, "append", refused)
    with pytest.raises(ConflictError):
        ServedLog(lake).append(ROWS, FEED)
    assert 1 < len(tried) < 100


@pytest.mark.parametrize("name", ["request_id", "as_of", "user_relevant_7d", "newest_known_at", "degraded"])
def test_a_missing_column_is_named(lake: Lake, name: str) -> None:
    with pytest.raises(DataError, match=f"served: expected a column '{name}', found"):
        ServedLog(lake).append(ROWS.drop(columns=name), FEED)
    assert not lake.has("served")


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"more": 1}, "served: expected columns .*; found 'more' too"),
        ({"user_id": None}, "served, column user_id: expected a value in each row"),
        ({"as_of": pd.Timestamp("2026-01-01")}, "expected times with a time zone"),
        ({"user_id": "\ud800"}, "served, column user_id: expected text"),
        ({"user_id": 7}, "served, column user_id: expected text, found integer"),
        ({"user_id": 7.0}, "served, column user_id: expected text, found floating"),
        ({"video_id": b"v"}, "served, column video_id: expected text, found bytes"),
        ({"rank": 0.5}, "served, column rank: expected whole numbers"),
        ({"score": "high"}, "served, column score: expected numbers"),
    ],
)
def test_rows_of_another_kind_are_refused_and_leave_nothing(lake: Lake, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        ServedLog(lake).append(ROWS.assign(**changes), FEED)
    assert not lake.has("served")


def test_a_column_that_is_there_twice_is_refused(lake: Lake) -> None:
    with pytest.raises(DataError, match="found 'score' too"):
        ServedLog(lake).append(pd.concat([ROWS, ROWS[["score"]]], axis=1), FEED)


def test_ids_that_look_like_numbers_stay_apart_and_only_the_erased_one_goes(lake: Lake) -> None:
    ids = ["7", "07", "7.0", "7e0", " 7"]
    ServedLog(lake).append(ROWS.assign(user_id=[ids[at % 5] for at in range(len(ROWS))]), FEED)
    erase(lake, "7", NOW)
    assert sorted(ServedLog(lake).read()["user_id"].unique()) == sorted(ids[1:])


def test_batches_appended_while_files_are_joined_are_all_there_once(lake: Lake) -> None:
    batches = [ROWS.iloc[at : at + 5] for at in range(0, 50, 5)]
    ServedLog(lake).append(batches[0], FEED)
    with ThreadPoolExecutor(1) as beside:
        appended = beside.map(lambda batch: ServedLog(Lake(lake.root)).append(batch, FEED), batches[1:])
        for _ in range(3):
            compact(Lake(lake.root), 0)
        assert list(appended) == [None] * 9
    assert_same(ServedLog(lake).read(), ROWS)


def test_another_catalogue_is_refused_in_writing_and_in_reading(lake: Lake) -> None:
    log = ServedLog(lake)
    log.append(ROWS, FEED)
    fewer, again = Catalogue("feed", "2", FEED.features[1:]), Catalogue("feed", "1b", FEED.features)
    wider = "expected rows of catalogue feed 2 .*, found feed 1 .*: 'user_impressions_1d' is new to it. Name"
    for catalogue, said in ((fewer, wider), (again, "feed 1b .* the same columns, defined otherwise")):
        with pytest.raises(DataError, match=said):
            log.append(ROWS[[name for name in COLUMNS if name not in FEED.columns] + [*catalogue.columns]], catalogue)
        with pytest.raises(DataError, match=said):
            next(log.pieces(catalogue))
    erase(lake, "u0", NOW)
    compact(lake, keep_hours=0)
    with pytest.raises(DataError, match="found feed 1 "):
        log.require(fewer)


def test_no_log_is_a_sentence(lake: Lake) -> None:
    for ask in (lambda: ServedLog(lake).read(), lambda: ServedLog(lake).require(FEED), lambda: ServedLog(lake).rows):
        with pytest.raises(ConfigError, match=r"expected a served log at .*, found none; name the folder"):
            ask()


def test_a_feature_with_a_name_of_the_log_is_refused(lake: Lake) -> None:
    from mlsd_lab.features import derived

    @derived
    def score(retrieval_score: Any) -> Any:
        """A name that is taken."""
        return retrieval_score

    with pytest.raises(ConfigError, match="catalogue c: expected no feature named as the served log's own score"):
        ServedLog(lake).append(ROWS, Catalogue("c", "1", [score]))


def test_after_erasure_no_byte_holds_the_user_and_a_late_batch_does_not_bring_them_back(lake: Lake) -> None:
    log = ServedLog(lake)
    rows = ROWS.assign(user_id=ROWS["user_id"].replace("u1", "zz-ann"))
    rows["request_id"] = rows["user_id"] + " asks " + rows["request_id"]
    for at in range(0, 50, 10):
        log.append(rows.iloc[at : at + 10], FEED)
    theirs = rows["user_id"] == "zz-ann"
    assert "zz-ann" in everything(lake)
    (found,) = erase(lake, "zz-ann", NOW)
    assert (found.table, found.rows) == ("served", theirs.sum())
    assert "zz-ann" not in everything(lake)
    assert_same(log.read(), rows[~theirs])
    log.append(rows.iloc[:20], FEED)
    assert "zz-ann" not in everything(lake)
    assert log.rows == (~theirs).sum() + (~theirs.iloc[:20]).sum()


def test_a_batch_that_was_read_before_an_erasure_is_read_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    log, whole, erased = ServedLog(lake), LakeTable.append, list[int]()
    log.append(ROWS.iloc[:5], FEED)

    def after_an_erasure(table: LakeTable, *arguments: Any) -> None:
        if not erased and table.shape.name == "served":
            erased.append(1)
            erase(Lake(lake.root), "u2", NOW)
        whole(table, *arguments)

    monkeypatch.setattr(LakeTable, "append", after_an_erasure)
    log.append(ROWS, FEED)
    assert erased
    assert "u2" not in set(log.read()["user_id"])
    assert log.rows == 5 + (ROWS["user_id"] != "u2").sum()


def test_who_reads_while_a_user_is_erased_has_the_old_rows_the_new_ones_or_a_conflict(lake: Lake) -> None:
    log = ServedLog(lake)
    for at in range(0, 50, 5):
        log.append(ROWS.iloc[at : at + 5], FEED)
    old, new = ROWS, ROWS[ROWS["user_id"] != "u1"]
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(erase, Lake(lake.root), "u1", NOW)
        seen = set[int]()
        while not done.done() or len(seen) == 0:
            try:
                seen.add(len(log.read()))
            except ConflictError:
                seen.add(-1)
        done.result()
    assert seen <= {len(old), len(new), -1}
    assert_same(log.read(), new)


def test_a_reading_in_pieces_that_an_erasure_overtakes_is_old_or_a_conflict(lake: Lake) -> None:
    log = ServedLog(lake)
    for at in range(0, 50, 5):
        log.append(ROWS.iloc[at : at + 5], FEED)
    pieces: Iterator[pd.DataFrame] = log.pieces(FEED, rows=1)
    rows = len(next(pieces))
    erase(Lake(lake.root), "u1", NOW)
    try:
        rows += sum(map(len, pieces))
    except ConflictError:
        rows = 50
    assert rows == 50


def test_upkeep_joins_its_files_and_sql_asks_it(lake: Lake) -> None:
    log, rows = ServedLog(lake), ROWS.assign(as_of=ROWS["as_of"].iloc[0])
    for at in range(0, 50, 5):
        log.append(rows.iloc[at : at + 5], FEED)
    (done,) = [one for one in compact(lake, keep_hours=0) if one.table == "served"]
    assert (done.files_before, done.files_after) == (10, 1)
    assert_same(log.read(), rows)
    found = Warehouse(lake).query("SELECT user_id, avg(user_relevant_7d) FROM served GROUP BY 1")
    assert set(found["user_id"]) == {"u0", "u1", "u2"}


def test_rows_lie_by_the_day_they_were_served_on(lake: Lake) -> None:
    ServedLog(lake).append(ROWS, FEED)
    days = {str(day) for day in ROWS["as_of"].dt.tz_convert("UTC").dt.date}
    assert {path.name for path in Path(lake.root, "served").glob("event_date=*")} == {f"event_date={d}" for d in days}
