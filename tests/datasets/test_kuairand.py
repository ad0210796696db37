import csv
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlsd_lab.datasets import Log, kuairand
from mlsd_lab.errors import DataError
from tests.needs import kuairand_folder

HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)
NIGHT = 1650812741436  # 2022-04-24 15:05:41.436 UTC, 23:05 in Shanghai
VIDEOS = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag"
)


def impression(user: str = "7", video: str = "9", cells: dict[str, object] | None = None, **more: object) -> str:
    """Return a line of a log file in the official order of columns."""
    usual = {
        **dict.fromkeys(HEADER.split(","), 0),
        "time_ms": NIGHT,
        "play_time_ms": 1500,
        "duration_ms": 9000,
        "tab": 1,
    }
    return ",".join(
        str(cell) for cell in (usual | {"user_id": user, "video_id": video} | (cells or {}) | more).values()
    )


def write(folder: Path, *impressions: str, log: str = kuairand.LOGS[1]) -> Path:
    """Write a log and the features in the official files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / log).write_text("\n".join((HEADER, *impressions)) + "\n", encoding="utf-8")
    features = '9,55,NORMAL,2022-04-09,Web,0.0,87433.0,720.0,1280.0,1,9.0,"20,43"\n8,56,NORMAL,,Web,0.0,,,,,,\n'
    (folder / "video_features_basic_pure.csv").write_text(f"{VIDEOS}\n{features}", encoding="utf-8")
    (folder / "user_features_pure.csv").write_text(
        'user_id,fans_user_num_range\n007,"[100,1k)"\n7,0\n', encoding="utf-8"
    )
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as refused:
        kuairand.load(folder)
    return str(refused.value)


def test_an_impression_is_read_from_the_official_columns(tmp_path: Path) -> None:
    log = kuairand.load(write(tmp_path, impression(is_click=1, long_view=1, is_like=1, is_rand=1)))
    event = log.events.iloc[0]
    assert event["occurred_at"].to_pydatetime() == datetime(2022, 4, 24, 15, 5, 41, 436_000, tzinfo=UTC)
    assert event["known_at"] - event["occurred_at"] == timedelta(milliseconds=1500)
    assert (event["watch_seconds"], event["surface"]) == (1.5, "tab 1")
    assert event[["clicked", "long_view", "liked", "randomized"]].all()
    assert [f"{day:%d}" for day in log.days()] == ["24"]


def test_features_are_joined_by_id_which_is_text(tmp_path: Path) -> None:
    log = kuairand.load(write(tmp_path, impression(), impression("007", "8")))
    assert log.users["fans_user_num_range"].tolist() == ["[100,1k)", "0"]
    assert log.videos["video_id"].tolist() == ["8", "9"]
    assert log.videos["duration_seconds"].fillna(0).tolist() == [0, 87.433]
    assert log.labels() == ["video 8", "video 9 (topic 20)"]
    assert log.videos["uploaded_at"].iloc[1].to_pydatetime() == datetime(2022, 4, 8, 16, tzinfo=UTC)


def test_a_user_without_features_is_kept(tmp_path: Path) -> None:
    assert "12" in kuairand.load(write(tmp_path, impression("12"))).users["user_id"].tolist()


def test_repeated_rows_are_events_of_their_own(tmp_path: Path) -> None:
    log = kuairand.load(write(tmp_path, impression(), impression(), impression(time_ms=NIGHT + 1)))
    assert log.events["event_id"].tolist() == [f"7-9-{NIGHT}-0", f"7-9-{NIGHT}-1", f"7-9-{NIGHT + 1}-0"]


def test_of_three_logs_those_present_are_read(tmp_path: Path) -> None:
    for at, name in enumerate(kuairand.LOGS, start=1):
        write(tmp_path, impression(time_ms=NIGHT + at), log=name)
        assert len(kuairand.load(tmp_path).events) == at


def test_the_folder_above_the_official_one_will_do(tmp_path: Path) -> None:
    write(tmp_path / "KuaiRand-Pure" / "data", impression())
    assert len(kuairand.load(tmp_path).events) == 1


def test_an_empty_folder_says_how_to_get_the_files(tmp_path: Path) -> None:
    assert "Fetch them with: mlsd-lab data fetch kuairand, or name their folder" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["user_features_pure.csv", "video_features_basic_pure.csv"])
def test_a_missing_feature_file_is_named(tmp_path: Path, name: str) -> None:
    (write(tmp_path, impression()) / name).unlink()
    assert f"{name}: expected a CSV file" in refusal(tmp_path)


@pytest.mark.parametrize("column", ["user_id", "time_ms", "long_view", "play_time_ms", "is_rand", "tab"])
def test_a_renamed_column_is_named_in_the_error(tmp_path: Path, column: str) -> None:
    file = write(tmp_path, impression()) / kuairand.LOGS[1]
    file.write_text(file.read_text(encoding="utf-8").replace(column, column.upper()), encoding="utf-8")
    assert f"{kuairand.LOGS[1]}: expected a column '{column}', found " in refusal(tmp_path)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("time_ms", "yesterday", "a number, found 'yesterday'"),
        ("time_ms", "", "a number, found an empty cell"),
        ("time_ms", "inf", "a whole number from 0 to 10000000000000, found 'inf'"),
        ("time_ms", "1e30", "a whole number from 0 to 10000000000000, found '1e+30'"),
        ("time_ms", NIGHT + 0.5, "a whole number from 0 to 10000000000000, found"),
        ("play_time_ms", -1, "a whole number from 0 to 10000000000, found '-1.0'"),
        ("play_time_ms", "1e300", "a whole number from 0 to 10000000000, found '1e+300'"),
        ("is_click", 2, "a whole number from 0 to 1, found '2.0'"),
        ("long_view", 0.5, "a whole number from 0 to 1, found '0.5'"),
        ("user_id", "", "an id, found an empty cell"),
        ("video_id", "", "an id, found an empty cell"),
    ],
)
def test_a_cell_of_another_kind_is_shown_with_file_column_and_line(
    tmp_path: Path, column: str, cell: object, expected: str
) -> None:
    write(tmp_path, impression(), impression(cells={column: cell}))
    sentence = refusal(tmp_path)
    assert f"{kuairand.LOGS[1]}, column {column}: expected {expected}" in sentence
    assert "in line 3 (1 such line)" in sentence


@pytest.mark.parametrize(
    ("column", "cell"), [("upload_dt", "in April"), ("upload_dt", "2022-13-01"), ("video_duration", "long")]
)
def test_a_feature_of_another_kind_is_shown_with_its_line(tmp_path: Path, column: str, cell: str) -> None:
    file = write(tmp_path, impression()) / "video_features_basic_pure.csv"
    values = {"video_id": "5", column: cell}
    with file.open("a", encoding="utf-8") as features:
        features.write(",".join(values.get(name, "") for name in VIDEOS.split(",")) + "\n")
    assert f"video_features_basic_pure.csv, column {column}: expected a " in refusal(tmp_path)
    assert f"found '{cell}' in line 4 (1 such line)" in refusal(tmp_path)


def test_a_truncated_log_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, impression(), impression()) / kuairand.LOGS[1]
    file.write_bytes(file.read_bytes()[:-30])
    assert "in line 3" in refusal(tmp_path)


def test_a_log_of_names_alone_is_refused(tmp_path: Path) -> None:
    assert "expected impressions, found only the header" in refusal(write(tmp_path))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted(kuairand_folder().glob("log_*_pure.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows.extend(csv.DictReader(file))
    return rows


@pytest.fixture(scope="module")
def log() -> Log:
    return kuairand.load(kuairand_folder())


class TestTheRealLog:
    """Facts of the files in the folder that MLSD_LAB_KUAIRAND names, computed here with nothing but the csv module."""

    def test_every_row_is_kept_and_the_repeated_ones_too(self, rows: list[dict[str, str]], log: Log) -> None:
        triples = Counter((row["user_id"], row["video_id"], row["time_ms"]) for row in rows)
        assert len(log.events) == len(rows) > len(triples) > 0
        ids = {f"{user}-{video}-{time}-{n}" for (user, video, time), many in triples.items() for n in range(many)}
        assert set(log.events["event_id"]) == ids
        assert log.events["event_id"].is_unique

    def test_days_are_those_of_a_clock_eight_hours_ahead(self, rows: list[dict[str, str]], log: Log) -> None:
        china = timezone(timedelta(hours=8))
        days = Counter(datetime.fromtimestamp(int(row["time_ms"]) / 1000, china).date() for row in rows)
        assert {day.date(): count for day, count in log.days().value_counts().items()} == days

    def test_an_outcome_is_known_when_the_watch_ends(self, rows: list[dict[str, str]], log: Log) -> None:
        ends = sorted(int(row["time_ms"]) + int(row["play_time_ms"]) for row in rows)
        assert (log.events["known_at"].astype("int64") // 1000).tolist() == ends

    def test_shares_and_seconds_are_those_of_the_file(self, rows: list[dict[str, str]], log: Log) -> None:
        for ours, theirs in (("clicked", "is_click"), ("long_view", "long_view"), ("liked", "is_like")):
            assert log.events[ours].sum() == sum(int(row[theirs]) for row in rows) > 0
        assert log.relevant.sum() == log.events["long_view"].sum()
        watched = sum(int(row["play_time_ms"]) for row in rows) / 1000
        assert log.events["watch_seconds"].sum() == pytest.approx(watched)

    def test_users_and_videos_are_all_that_occur_in_any_file(self, rows: list[dict[str, str]], log: Log) -> None:
        for key, name, table in (
            ("user_id", "user_features_pure.csv", log.users),
            ("video_id", "video_features_basic_pure.csv", log.videos),
        ):
            with (kuairand_folder() / name).open(encoding="utf-8", newline="") as file:
                listed = {row[key] for row in csv.DictReader(file)}
            assert table[key].tolist() == sorted(listed | {row[key] for row in rows})
