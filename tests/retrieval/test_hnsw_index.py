import builtins
import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError, MissingExtraError
from mlsd_lab.retrieval import ExactIndex, HNSWIndex, VectorIndex
from tests.needs import faiss as needs_faiss
from tests.retrieval.vector_index_contract import QUERIES, VECTORS, VectorIndexContract


@pytest.fixture(autouse=True, scope="module")
def _needed() -> None:
    needs_faiss()


class TestHNSWIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return HNSWIndex.build(vectors, links=32, ef_build=200, ef=400)


def test_a_wider_search_finds_more_of_the_truth_in_the_same_graph() -> None:
    rng = np.random.default_rng(3)
    vectors, queries = rng.normal(size=(5000, 32)), rng.normal(size=(50, 32))
    truth = ExactIndex(vectors).search(queries, 10).videos
    index = HNSWIndex.build(vectors)
    recalls = []
    for ef in (10, 50, 1000):
        found = index.searched_with(ef).search(queries, 10).videos
        recalls.append(np.mean([len(set(t) & set(f)) / 10 for t, f in zip(truth, found, strict=True)]))
    assert recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.95


def test_what_a_row_excludes_does_not_shorten_another() -> None:
    best = HNSWIndex.build(VECTORS, ef=400).search(QUERIES, 200).videos
    exclude = csr_matrix((np.ones(50), (np.zeros(50, int), best[0, :50])), shape=(15, 200))
    found = HNSWIndex.build(VECTORS, ef=400).search(QUERIES, 10, exclude).videos
    assert found[0].tolist() == best[0, 50:60].tolist()
    assert found[1:].tolist() == best[1:, :10].tolist()


GRAPH = """
import hashlib, os, sys
import numpy as np
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
from mlsd_lab.retrieval import HNSWIndex
import faiss
index = HNSWIndex.build(np.random.default_rng(0).normal(size=(3000, 8)))
print(hashlib.sha256(faiss.serialize_index(index._graph).tobytes()).hexdigest())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the cores of a process are set on Linux only")
def test_one_core_and_two_build_the_same_graph() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", GRAPH, cores], capture_output=True, text=True, check=True
        ).stdout
        for cores in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize("bad", [{"links": 1}, {"ef": 0}, {"ef_build": 0}, {"vectors": np.empty((0, 3))}])
def test_settings_out_of_range_and_an_empty_catalogue_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected 1 or more vectors, links from 2 to 512"):
        HNSWIndex.build(**({"vectors": VECTORS} | bad))


@pytest.mark.parametrize("ef", [0, -1, 2**31])
def test_another_ef_out_of_range_is_refused(ef: int) -> None:
    with pytest.raises(ConfigError, match="ef: expected 1 to 2,147,483,647 videos in view"):
        HNSWIndex.build(VECTORS).searched_with(ef)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"HNSWIndex needs faiss: pip install 'mlsd_lab\[hnsw\]'"):
        HNSWIndex.build(VECTORS)
