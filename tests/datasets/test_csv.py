import os
import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log, csv
from mlsd_lab.errors import ConfigError, DataError, MlsdLabError

REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NOON = "2026-01-01T12:00:00Z"
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia")


def load(folder: Path, events: str, zone: str | None = None, **others: str) -> Log:
    """Write events.csv (and videos.csv, users.csv) into the folder and read the log."""
    for name, text in {"events": events, **others}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return csv.load(folder, zone)


def refusal(folder: Path, events: str, **others: str) -> str:
    with pytest.raises(DataError) as refused:
        load(folder, events, **others)
    return str(refused.value)


def moment(folder: Path, cell: str, zone: str | None = None) -> str:
    """Return, as UTC text, what a cell of occurred_at is read as."""
    log = load(folder, f'user_id,video_id,occurred_at\nu,v,"{cell}"\n', zone)
    return str(log.events["occurred_at"].iloc[0].isoformat())


def test_a_log_is_read_with_its_videos_and_users(tmp_path: Path) -> None:
    log = load(
        tmp_path,
        f"user_id,video_id,occurred_at,clicked,watch_seconds,position\nann,v1,{NOON},yes,3.5,0\nbob,v2,{NOON},FALSE,,\n",
        videos="video_id,title,duration_seconds,uploaded_at\nv2,Two,60,2026-01-01\nv3,Three,,\n",
        users="user_id,country\nann,NA\nzoe,DE\n",
    )
    assert log.users["user_id"].tolist() == ["ann", "bob", "zoe"]
    assert log.labels() == ["video v1", "Two", "Three"]
    assert log.events["clicked"].tolist() == [True, False]
    assert log.events["watch_seconds"].fillna(-1).tolist() == [3.5, -1]
    assert (log.datasheet.name, log.datasheet.relevance, log.datasheet.timezone) == ("csv", "clicked", "UTC")
    assert tmp_path.name in log.datasheet.title


@REPEATABLE
@given(ids=st.lists(st.from_regex(r"[0-9A-Za-z.+_ é-]{1,6}", fullmatch=True), min_size=1, max_size=10, unique=True))
def test_ids_survive_as_text(tmp_path: Path, ids: list[str]) -> None:
    kept = sorted(set(ids) | {"007", "NA", "null", "1.0", "1e5", "True", "nan", "None"})
    rows = "".join(f'"{one}","{one}",{NOON}\n' for one in kept)
    log = load(tmp_path, "user_id,video_id,occurred_at\n" + rows)
    assert log.users["user_id"].tolist() == kept
    assert log.videos["video_id"].tolist() == kept


def test_a_shuffled_file_gives_the_same_log_when_events_have_ids(tmp_path: Path) -> None:
    rng = random.Random(0)
    rows = [f"e{n},u{rng.randrange(5)},v{rng.randrange(9)},2026-01-0{rng.randrange(1, 4)},{n % 2}" for n in range(60)]
    header = "event_id,user_id,video_id,occurred_at,clicked\n"
    log = load(tmp_path, header + "\n".join(rows))
    rng.shuffle(rows)
    again = load(tmp_path, header + "\n".join(rows) + "\n")
    for name in ("events", "videos", "users"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(log, name))


@REPEATABLE
@given(
    times=st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)), min_size=1, max_size=20),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_times_are_read_as_the_standard_library_reads_them(
    tmp_path: Path, times: list[datetime], zone: str, minutes: int
) -> None:
    cells, expected = [], []
    for time in times:
        offset = time.replace(tzinfo=timezone(timedelta(minutes=minutes)))
        cells.append(offset.isoformat())
        expected.append(offset.astimezone(UTC))
        cells.append(time.isoformat(sep=" "))
        expected.append(time.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC))
    rows = "".join(f"{n:03d},u,v,{cell}\n" for n, cell in enumerate(cells))
    events = load(tmp_path, "event_id,user_id,video_id,occurred_at\n" + rows, zone).events
    assert events.sort_values("event_id")["occurred_at"].tolist() == expected


@pytest.mark.parametrize(
    ("cell", "zone", "expected"),
    [
        ("2026-01-01", "Asia/Shanghai", "2025-12-31T16:00:00+00:00"),
        ("20260101T1030", "Asia/Shanghai", "2026-01-01T02:30:00+00:00"),
        ("2026-01-01 10:30:00.25", None, "2026-01-01T10:30:00.250000+00:00"),
        ("2026-01-01T10:30:00.123456789", None, "2026-01-01T10:30:00.123456+00:00"),
        ("2026-01-01T10:30+0530", "Asia/Shanghai", "2026-01-01T05:00:00+00:00"),
        ("2026-01-01T10:30-05", "Asia/Shanghai", "2026-01-01T15:30:00+00:00"),
    ],
)
def test_the_forms_of_iso_8601(tmp_path: Path, cell: str, zone: str | None, expected: str) -> None:
    assert moment(tmp_path, cell, zone) == expected


@pytest.mark.parametrize(
    ("cell", "zone", "expected"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),
        ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:40:00+00:00"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00+00:00"),
    ],
)
def test_a_local_time_that_the_clock_skipped_has_the_offset_before_the_gap(
    tmp_path: Path, cell: str, zone: str, expected: str
) -> None:
    assert moment(tmp_path, cell, zone) == expected


@pytest.mark.parametrize(
    ("cell", "zone", "expected"),
    [
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T01:30", "Europe/Dublin", "2026-10-25T00:30:00+00:00"),
        ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00+00:00"),
        ("2026-10-25T02:30:00+01:00", "Europe/Berlin", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_of_a_local_time_that_the_clock_showed_twice_the_first_is_meant(
    tmp_path: Path, cell: str, zone: str, expected: str
) -> None:
    assert moment(tmp_path, cell, zone) == expected


def test_one_column_may_hold_times_of_every_form(tmp_path: Path) -> None:
    cells = ["2026-01-01", "2026-01-01T10:00:00.5", "2026-01-01T10:00:00.123456789Z", "2026-01-01T12:00+01:00"]
    rows = "".join(f"u,v,{cell}\n" for cell in cells)
    times = load(tmp_path, "user_id,video_id,occurred_at\n" + rows).events["occurred_at"]
    assert [f"{time:%H:%M:%S.%f}" for time in times] == [
        *("00:00:00.000000", "10:00:00.123456", "10:00:00.500000", "11:00:00.000000")
    ]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "now",
            "today",
            "NaT",
            "1260759144",
            "2026",
            "2026-01",
            "1/2/2026",
            "2026-02-30",
            "2026-W01-1",
            "-2026-01-01",
        ),
        *("2026-01-01T25:00", "2026-01-01T10:00:60Z", "2026-01-01T10:00+25:00", " 2026-01-01", "2026-01-01\n"),
    ],
)
def test_what_is_no_iso_8601_time_is_refused(tmp_path: Path, cell: str) -> None:
    sentence = refusal(tmp_path, f'user_id,video_id,occurred_at\nu,v,{NOON}\nu,v,"{cell}"\n')
    assert "events.csv, column occurred_at: expected an ISO 8601 time such as" in sentence
    assert sentence.endswith(f"found {cell!r} in line 3 (1 such line)")


@pytest.mark.parametrize("cell", ["9999-12-31", "0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_stands_for_never_is_refused(tmp_path: Path, cell: str) -> None:
    assert "a time in the years 1900 to 2200" in refusal(tmp_path, f"user_id,video_id,occurred_at\nu,v,{cell}\n")


@pytest.mark.parametrize("column", ["user_id", "video_id", "occurred_at"])
def test_a_renamed_column_is_named_in_the_error(tmp_path: Path, column: str) -> None:
    text = f"user_id,video_id,occurred_at\nu,v,{NOON}\n".replace(column, f"my_{column}")
    assert f"events.csv: expected a column '{column}', found " in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("clicked", "maybe", "expected true or false (or 1, 0, yes, no), found 'maybe' in line 3"),
        ("long_view", "2", "expected true or false (or 1, 0, yes, no), found '2' in line 3"),
        ("rating", "good", "expected a number, found 'good' in line 3"),
        ("rating", "True", "expected a number, found 'True' in line 3"),
        ("rating", "-1", "expected a finite number, 0 or more, found -1.0 in row 1"),
        ("watch_seconds", "inf", "expected a finite number, 0 or more, found inf in row 1"),
        ("watch_seconds", "1e999", "expected a finite number, 0 or more, found inf in row 1"),
        ("propensity", "1.5", "expected a number from 0 to 1, found 1.5 in row 1"),
        ("position", "1.5", "expected a whole number from 0 to 2147483647, found 1.5 in row 1"),
        ("known_at", "later", "expected an ISO 8601 time such as 2026-01-31T18:05:00+01:00, found 'later' in line 3"),
        ("known_at", "", "expected a value in each row, found NaT"),
        ("event_id", "", "expected a value, found an empty cell in line 2"),
    ],
)
def test_a_wrongly_typed_cell_is_shown_with_its_column(tmp_path: Path, column: str, cell: str, expected: str) -> None:
    sentence = refusal(tmp_path, f"user_id,video_id,occurred_at,{column}\nu,v,{NOON},\nu,v,{NOON},{cell}\n")
    assert f"column {column}: {expected}" in sentence


def test_a_column_of_nothing_is_a_column_of_missing_values(tmp_path: Path) -> None:
    optional = ("clicked", "rating", "position", "surface", "watch_seconds")
    events = load(tmp_path, f"user_id,video_id,occurred_at,{','.join(optional)}\nu,v,{NOON},,,,,\n").events
    assert events[list(optional)].isna().all(axis=None)


@pytest.mark.parametrize("row", ["u,v\n", f"u,,{NOON}\n", "u,v,2026-01-0\n", "u\n"])
def test_a_truncated_row_is_shown_with_its_line(tmp_path: Path, row: str) -> None:
    assert "in line 3 (1 such line)" in refusal(tmp_path, f"user_id,video_id,occurred_at\nu,v,{NOON}\n{row}")


def test_more_cells_than_names_are_refused_rather_than_shifted(tmp_path: Path) -> None:
    assert "more cells" in refusal(tmp_path, f"user_id,video_id,occurred_at\n7,u,v,{NOON}\n7,u,v,{NOON}\n")


def test_a_log_without_events_is_refused(tmp_path: Path) -> None:
    assert "expected at least one event" in refusal(tmp_path, "user_id,video_id,occurred_at\n")


def test_a_repeated_event_id_is_shown(tmp_path: Path) -> None:
    events = f"event_id,user_id,video_id,occurred_at\na,u,v,{NOON}\na,u,v,{NOON}\n"
    assert "column event_id: expected each value once, found a, a in rows 0, 1" in refusal(tmp_path, events)


def test_what_is_wrong_with_videos_is_said_of_videos(tmp_path: Path) -> None:
    events = f"user_id,video_id,occurred_at\nu,v,{NOON}\n"
    assert "videos.csv: expected a column 'video_id', found id" in refusal(tmp_path, events, videos="id\nv\n")
    assert "videos.csv, column duration_seconds: expected a number, found 'long' in line 3" in refusal(
        tmp_path, events, videos="video_id,duration_seconds\nw,\nv,long\n"
    )
    assert "column video_id: expected each value once" in refusal(tmp_path, events, videos="video_id\nv\nv\n")


def test_a_folder_is_asked_for_where_none_is_named() -> None:
    with pytest.raises(ConfigError, match="name it with --path DIR"):
        csv.load(None)


def test_a_folder_that_is_a_file_or_absent_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, found in (("file", "found a file"), ("absent", "found nothing there"), ("", "found no such file")):
        with pytest.raises(DataError, match=found):
            csv.load(tmp_path / name)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../UTC"])
def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ConfigError, match="expected an IANA name"):
        load(tmp_path, f"user_id,video_id,occurred_at\nu,v,{NOON}\n", zone)


@pytest.mark.skipif(os.name == "nt", reason="names of folders are text on Windows")
def test_a_folder_whose_name_is_not_text_gets_a_title_that_is(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system wants names that are text")
    title = load(folder, f"user_id,video_id,occurred_at\nu,v,{NOON}\n").datasheet.title
    assert title.encode() == b"The log in caf?"


@REPEATABLE
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_the_file_holds_it_is_read_or_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    for header in (b"", b"user_id,video_id,occurred_at,clicked,rating\n"):
        (tmp_path / "events.csv").write_bytes(header + content)
        try:
            log = csv.load(tmp_path)
        except MlsdLabError as error:
            assert str(error).isprintable()
        else:
            assert len(log.events) > 0
