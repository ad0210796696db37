import subprocess
import sys
from pathlib import Path
from threading import Thread

from mlsd_lab.retrieval.shared_forest import SharedForest


class Told:
    """In Annoy's place, one that remembers what was asked of it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def save(self, file: str) -> None:
        self.heard.append(f"saved {file}")


def test_it_is_saved_when_all_have_given_it_back_and_not_before() -> None:
    told = Told()
    forest = SharedForest(told)
    saver = Thread(target=forest.save, args=(Path("index.ann"),))
    with forest.searched() as one, forest.searched() as two:
        assert one is two is told
        saver.start()
        saver.join(0.2)  # it would be done by then, if it did not wait
        assert told.heard == []
    saver.join(30)
    assert told.heard == ["saved index.ann"]


def test_what_fails_inside_gives_it_back() -> None:
    told = Told()
    forest = SharedForest(told)
    try:
        with forest.searched():
            raise ValueError
    except ValueError:
        forest.save(Path("index.ann"))
    assert told.heard == ["saved index.ann"]


SAVED_AND_SEARCHED = """
import sys
from pathlib import Path
from threading import Event, Thread
import numpy as np
from mlsd_lab.retrieval import AnnoyIndex
vectors, done, wrong = np.random.default_rng(0).normal(size=(5_000, 8)), Event(), []
index = AnnoyIndex.build(vectors, trees=5, search_k=500)
expected = index.search(vectors[:20], 10).videos.tolist()
def search():
    while not done.is_set():
        if index.search(vectors[:20], 10).videos.tolist() != expected:
            wrong.append(1)
threads = [Thread(target=search) for _ in range(2)]
for thread in threads:
    thread.start()
for number in range(20):
    index.save(Path(sys.argv[1], str(number)), ["id"] * 5_000)
done.set()
for thread in threads:
    thread.join()
print(len(wrong))
"""


def test_an_index_is_saved_while_others_search_it_and_the_process_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "faulthandler", "-c", SAVED_AND_SEARCHED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0\n"
