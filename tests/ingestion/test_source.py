import json
from pathlib import Path

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import BY_SOURCE, EVENTS
from mlsd_lab.ingestion.metadata_api import MetadataApi
from mlsd_lab.ingestion.profiles import Profiles
from mlsd_lab.ingestion.source import Batch, Source


def test_each_source_has_the_name_under_which_its_contract_is_known() -> None:
    sources: list[Source] = [ClickLog(Path("logs")), Profiles("sqlite:///app.db"), MetadataApi("http://127.0.0.1:1")]
    assert {source.name: source.contract for source in sources} | {"stream": EVENTS} == BY_SOURCE


def test_a_position_is_json() -> None:
    batch = Batch(b"", {"files": {"a": 3}}, "a")
    assert json.loads(json.dumps(batch.position)) == batch.position
