from pathlib import Path

import pytest

from mlsd_lab.ingestion.delta_schema import stored_columns
from mlsd_lab.ingestion.lake import SHAPES, Lake


@pytest.mark.parametrize("name", SHAPES)
def test_columns_come_back_from_delta_as_they_went_there(name: str, tmp_path: Path) -> None:
    from deltalake import DeltaTable

    Lake(tmp_path).table(name)
    assert stored_columns(DeltaTable(tmp_path / name)) == SHAPES[name].all_columns
