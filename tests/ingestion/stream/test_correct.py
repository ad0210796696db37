from pathlib import Path

import pytest

from mlsd_lab.errors import ConflictError
from mlsd_lab.ingestion.contract import Field
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.correct import Corrected, correct
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.ingestion.stream.test_consume import NOW, event
from tests.ingestion.stream.test_lake_sink import held


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Events a, b and c on time; late: a new one, a better copy of b, a worse one of c."""
    stream, lake = SqliteStream(tmp_path / "stream.db"), Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("b", 200, delay=5), event("c", 200), event("new", 0)])
    stream.append([event("b", 200, delay=2), event("c", 200, delay=9)])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    stream.close()
    assert held(lake, "late_events") == ["b", "c", "new"]
    return lake


def test_new_ones_come_in_and_the_better_copy_stays(lake: Lake) -> None:
    assert held(lake, "events", "minute(known_at - occurred_at)") == [0, 0, 5]
    assert correct(lake) == Corrected(late=3, new=1, replaced=1)
    assert held(lake, "events", "minute(known_at - occurred_at)") == [0, 0, 0, 2]
    assert (held(lake, "events"), held(lake, "late_events")) == (["a", "b", "c", "new"], [])
    assert correct(lake) == Corrected(0, 0, 0)


def test_a_contract_may_get_a_field_while_events_wait(lake: Lake) -> None:
    assert correct(lake, EVENTS.changed(Field("speed", "number"))) == Corrected(late=3, new=1, replaced=1)
    assert held(lake, "events", "(event_id, speed)") == [(name, None) for name in ("a", "b", "c", "new")]


def test_a_crash_before_the_waiting_ones_were_let_go_changes_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "overwrite", dies)
        with pytest.raises(KeyboardInterrupt):
            correct(lake)
    assert correct(lake) == Corrected(late=3, new=0, replaced=0)
    assert (held(lake, "events"), held(lake, "late_events")) == (["a", "b", "c", "new"], [])


def test_late_events_that_come_in_meanwhile_are_not_lost(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = LakeTable.overwrite

    def meanwhile(self: LakeTable, *arguments: object) -> None:
        connection = connect()
        lake.view(connection, "late_events", "waiting")
        row = "SELECT * REPLACE ('later' AS event_id) FROM waiting LIMIT 1"
        lake.table("late_events").append(connection, row, {})
        whole(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "overwrite", meanwhile)
        with pytest.raises(ConflictError, match="another writer committed first"):
            correct(lake)
    assert correct(lake).late == 4
    assert "later" in held(lake, "events")
