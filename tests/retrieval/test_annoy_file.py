from pathlib import Path

import numpy as np
import pytest

from mlsd_lab.retrieval import AnnoyIndex
from mlsd_lab.retrieval.annoy_file import is_sound


@pytest.mark.parametrize("metric", ["dot", "angular", "euclidean"])
def test_what_annoy_wrote_is_sound_and_is_no_index_of_another_size_or_dimension(tmp_path: Path, metric: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 5))
    AnnoyIndex.build(vectors, metric, trees=4).save(tmp_path / "index", ["id"] * 300)  # type: ignore[arg-type]
    file = tmp_path / "index" / "index.ann"
    assert is_sound(file, 300, 5, metric)
    assert not is_sound(file, 299, 5, metric)
    assert not is_sound(file, 300, 6, metric)


def test_an_empty_or_missing_file_is_not_sound(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert not is_sound(tmp_path / "empty", 1, 1, "dot")
    assert not is_sound(tmp_path / "missing", 1, 1, "dot")
