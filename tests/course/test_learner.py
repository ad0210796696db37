import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlsd_lab.course.learner import change_progress, learner_folder, read_progress
from mlsd_lab.errors import DataError


def test_without_a_course_folder_progress_is_in_memory_and_nothing_is_written(tmp_path: Path) -> None:
    with change_progress() as progress:
        progress["exercises"]["0.1"] = {"attempts": 1}
    assert read_progress()["exercises"] == {"0.1": {"attempts": 1}}
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_nearest_with_a_marker(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (course / "deeper" / "still").mkdir(parents=True)
    monkeypatch.chdir(course / "deeper" / "still")
    assert learner_folder() == course


def test_progress_is_kept_in_a_file_that_a_person_can_read(course: Path) -> None:
    with change_progress() as progress:
        progress["predictions"]["0.1"] = {"unit": "µs"}
    text = (course / "progress.json").read_text(encoding="utf-8")
    assert '"µs"' in text
    assert json.loads(text) == read_progress()
    assert sorted(path.name for path in course.iterdir()) == [".mlsd_lab_course", ".progress.lock", "progress.json"]


def test_a_block_that_fails_keeps_nothing(course: Path) -> None:
    with pytest.raises(KeyError), change_progress() as progress:
        progress["predictions"]["0.1"] = {}
        raise KeyError
    assert not (course / "progress.json").exists()


@pytest.mark.parametrize("broken", ["{", "[]", "{}", '{"predictions": {"a": 1}, "exercises": {}}', "\x00", "[" * 10**5])
def test_a_broken_file_is_a_sentence_and_stays_as_it_is(course: Path, broken: str) -> None:
    (course / "progress.json").write_text(broken, encoding="utf-8")
    with pytest.raises(DataError, match=r"progress.json: expected JSON .* left as it is"), change_progress():
        pass
    assert (course / "progress.json").read_text(encoding="utf-8") == broken


def test_two_kernels_writing_at_once_lose_nothing(course: Path) -> None:
    code = """
import sys
from mlsd_lab.course.learner import change_progress
for at in range(40):
    with change_progress() as progress:
        progress["exercises"][f"{sys.argv[1]}.{at}"] = {"attempts": 1}
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(name)], cwd=course) for name in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(read_progress()["exercises"]) == 120
