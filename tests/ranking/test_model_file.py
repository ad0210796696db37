import io
import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import FunctionTransformer

from mlsd_lab.errors import ArtifactError
from mlsd_lab.ranking.model_file import load_model, save_model


def refusal(path: Path, expected: tuple[str, ...] = ("model",)) -> str:
    with pytest.raises(ArtifactError) as refused:
        load_model(path, expected)
    return str(refused.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "m.skops"


def test_values_and_a_model_come_back(file: Path) -> None:
    features = np.random.default_rng(0).random((100, 2))
    model = HistGradientBoostingClassifier(max_iter=3).fit(features, features[:, 0] > 0.5)
    save_model(file, {"model": model, "columns": ["a", "b"]})
    parts = load_model(file, ("columns", "model"))
    assert parts["columns"] == ["a", "b"]
    assert (parts["model"].predict_proba(features) == model.predict_proba(features)).all()


@pytest.mark.parametrize(
    "foreign",
    [FunctionTransformer(Path.touch), partial(Path.touch), Path.touch, {"deep": [partial(print)]}],
    ids=["transformer", "partial", "function", "deep inside"],
)
def test_a_type_that_could_call_something_is_refused(file: Path, foreign: object) -> None:
    save_model(file, {"model": foreign})
    assert "m.skops: holds a type that no model of ours has" in refusal(file)


def test_a_file_cannot_widen_what_is_allowed_by_renaming_its_types(file: Path) -> None:
    """Every module and class of a harmless file becomes os.mkdir: nothing is made, and it is refused."""
    save_model(file, {"model": FunctionTransformer()})
    with zipfile.ZipFile(file) as stored:
        schema = json.loads(stored.read("schema.json"))
    mark = file.with_name("ran")

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(part) for part in node]
        if isinstance(node, dict):
            here = {"__module__": "os", "__class__": "mkdir"} if node.get("__class__") == "FunctionTransformer" else {}
            return {name: renamed(part) for name, part in node.items()} | here
        return str(mark) if node == "FunctionTransformer" else node

    with zipfile.ZipFile(file, "w") as stored:
        stored.writestr("schema.json", json.dumps(renamed(schema)))
    assert "m.skops" in refusal(file)
    assert not mark.exists()


@pytest.mark.parametrize("size", [0, 1, 40, 200])
def test_a_cut_file_is_refused(file: Path, size: int) -> None:
    save_model(file, {"model": np.arange(50)})
    file.write_bytes(file.read_bytes()[:size])
    assert "m.skops: expected a model in skops' format, found none" in refusal(file)


def test_a_pickle_is_refused_and_not_run(file: Path) -> None:
    mark = file.with_name("ran")
    pickled = f"cos\nmkdir\n(V{mark}\ntR.".encode()
    file.write_bytes(pickled)
    assert "found none" in refusal(file)
    with zipfile.ZipFile(file, "w") as stored:
        stored.writestr("schema.json", pickled)
    assert "found none" in refusal(file)
    assert not mark.exists()


def test_an_array_of_objects_inside_is_refused_and_not_unpickled(file: Path) -> None:
    save_model(file, {"model": np.arange(3.0)})
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object))
    with zipfile.ZipFile(file) as stored:
        parts = {name: stored.read(name) for name in stored.namelist()}
    assert any(name.endswith(".npy") for name in parts)
    with zipfile.ZipFile(file, "w") as stored:
        for name, content in parts.items():
            stored.writestr(name, buffer.getvalue() if name.endswith(".npy") else content)
    assert "found none (Object arrays cannot be loaded when allow_pickle=False)" in refusal(file)


def test_missing_and_added_parts_are_refused(file: Path) -> None:
    for parts in ({}, {"columns": 1}, {"model": 1, "more": 2}):
        save_model(file, parts)
        assert "m.skops: expected model, found dict" in refusal(file)


def test_a_value_that_is_no_dictionary_is_refused(file: Path) -> None:
    save_model(file, [1])  # type: ignore[arg-type]
    assert "m.skops: expected model, found list" in refusal(file)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "expected a model in skops' format, found none" in refusal(tmp_path)
