import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.artifacts import sha256
from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import AnnoyIndex, ExactIndex, VectorIndex
from tests.retrieval.vector_index_contract import QUERIES, VECTORS, VectorIndexContract

IDS = [f"video-{row}" for row in range(len(VECTORS))]
PRELUDE = "import sys, numpy as np\nfrom pathlib import Path\nfrom mlsd_lab.retrieval import AnnoyIndex\n"
FILES = ["index.ann", "ids.json", "manifest.json"]


class TestAnnoyIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return AnnoyIndex.build(vectors, "dot", trees=20, search_k=100_000)


class TestAugmentedAnnoyIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return AnnoyIndex.build(vectors, "augmented", trees=20, search_k=100_000)


class TestLoadedAnnoyIndex(VectorIndexContract):
    @pytest.fixture(scope="class")
    @classmethod
    def index(cls, tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
        folder = tmp_path_factory.mktemp("annoy") / "index"
        AnnoyIndex.build(VECTORS, "dot", trees=20, search_k=100_000).save(folder, IDS)
        return AnnoyIndex.load(folder)[0]

    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return AnnoyIndex.build(vectors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    AnnoyIndex.build(VECTORS, trees=5).save(tmp_path / "index", IDS)
    return tmp_path / "index"


def sign_again(folder: Path, **facts: object) -> None:
    """Write a manifest that fits whatever the folder holds, as someone would who changed a file on purpose."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["facts"] |= facts
    for name, stated in manifest["files"].items():
        stated |= {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def in_another_process(code: str, *arguments: object) -> str:
    """Run what could end the interpreter where that is seen and does no harm, and return what it printed."""
    command = [sys.executable, "-X", "faulthandler", "-c", PRELUDE + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cosine_and_distance_are_scored_as_numpy_does() -> None:
    cosine = AnnoyIndex.build(VECTORS, "angular", search_k=100_000).search(QUERIES, 200)
    distance = AnnoyIndex.build(VECTORS, "euclidean", search_k=100_000).search(QUERIES, 200)
    for row, query in enumerate(QUERIES):
        cosines = [query @ VECTORS[v] / np.linalg.norm(query) / np.linalg.norm(VECTORS[v]) for v in cosine.videos[row]]
        assert cosine.scores[row] == pytest.approx(cosines, abs=1e-5)
        distances = [-np.linalg.norm(query - VECTORS[v]) for v in distance.videos[row]]
        assert distance.scores[row] == pytest.approx(distances, abs=1e-5)


def test_a_longer_search_finds_more_of_the_truth() -> None:
    rng = np.random.default_rng(3)
    vectors, queries = rng.normal(size=(5000, 32)), rng.normal(size=(50, 32))
    truth = ExactIndex(vectors).search(queries, 10).videos
    recalls = []
    for search_k in (50, 500, 500_000):
        found = AnnoyIndex.build(vectors, trees=10, search_k=search_k).search(queries, 10).videos
        recalls.append(np.mean([len(set(t) & set(f)) / 10 for t, f in zip(truth, found, strict=True)]))
    assert recalls[0] < recalls[1] < recalls[2] == 1.0


def test_one_seed_gives_one_file_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        AnnoyIndex.build(VECTORS, trees=40, seed=seed).save(tmp_path / name, IDS)
    a, b, c = ((tmp_path / name / "index.ann").read_bytes() for name in "abc")
    assert a == b != c
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_the_file_is_the_same_in_a_process_on_one_core(tmp_path: Path) -> None:
    AnnoyIndex.build(np.arange(600.0).reshape(200, 3) % 17, trees=40).save(tmp_path / "here", IDS)
    code = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
AnnoyIndex.build(np.arange(600.0).reshape(200, 3) % 17, trees=40).save(Path(sys.argv[1]), ["id"] * 200)
"""
    in_another_process(code, tmp_path / "there")
    assert sha256(tmp_path / "here" / "index.ann") == sha256(tmp_path / "there" / "index.ann")


@pytest.mark.parametrize("metric", ["dot", "augmented", "angular", "euclidean"])
def test_what_is_loaded_answers_as_what_was_saved_did_before_and_after(tmp_path: Path, metric: str) -> None:
    built = AnnoyIndex.build(VECTORS, metric, trees=3, search_k=77)  # type: ignore[arg-type]
    before = built.search(QUERIES, 20)
    built.save(tmp_path / "index", IDS)
    loaded, ids = AnnoyIndex.load(tmp_path / "index")
    assert ids == IDS
    assert (loaded.metric, loaded.search_k, loaded.size, loaded.dimension) == (metric, 77, 200, 6)
    for index in (built, loaded):
        assert index.search(QUERIES, 20).videos.tolist() == before.videos.tolist()
        assert index.search(QUERIES, 20).scores.tolist() == before.scores.tolist()


def test_a_loaded_index_can_be_saved_elsewhere(folder: Path, tmp_path: Path) -> None:
    AnnoyIndex.load(folder)[0].save(tmp_path / "copy", IDS)
    for name in FILES:
        assert (tmp_path / "copy" / name).read_bytes() == (folder / name).read_bytes()


def test_an_index_of_one_vector_is_saved_and_loaded(tmp_path: Path) -> None:
    AnnoyIndex.build([[1.0, 2.0]]).save(tmp_path / "one", ["only"])
    index, ids = AnnoyIndex.load(tmp_path / "one")
    assert (index.search(np.array([[1.0, 1.0]]), 3).videos.tolist(), ids) == ([[0]], ["only"])


def test_two_processes_may_map_one_file(folder: Path) -> None:
    here, _ = AnnoyIndex.load(folder)
    code = "print(AnnoyIndex.load(Path(sys.argv[1]))[0].search(np.ones((1, 6)), 5).videos.tolist())"
    there = in_another_process(code, folder)
    assert json.loads(there) == here.search(np.ones((1, 6)), 5).videos.tolist()


def test_ids_keep_any_letters(tmp_path: Path) -> None:
    AnnoyIndex.build(np.eye(2)).save(tmp_path / "index", ["視頻", 'a "b"\n'])
    assert AnnoyIndex.load(tmp_path / "index")[1] == ["視頻", 'a "b"\n']


def test_a_search_that_finds_fewer_fills_its_row() -> None:
    index = AnnoyIndex.build(np.random.default_rng(0).normal(size=(2000, 4)), trees=30, search_k=1)
    found = index.search(QUERIES[:, :4], 300)  # the same video is met in many trees
    short = (found.videos == NOBODY).any(axis=1)
    assert short.any()
    assert np.isneginf(found.scores[found.videos == NOBODY]).all()


def test_one_user_s_long_history_does_not_shorten_another_s_list() -> None:
    exclude = csr_matrix(np.vstack([np.arange(200) < 195, np.zeros(200)]))
    found = AnnoyIndex.build(VECTORS, search_k=100_000).search(QUERIES[:2], 20, exclude)
    assert (found.videos != NOBODY).sum(axis=1).tolist() == [5, 20]


# Misuse


@pytest.mark.parametrize("trees", [0, 10_001, 2**40])
def test_trees_out_of_range_are_refused(trees: int) -> None:
    with pytest.raises(ConfigError, match=f"expected 1 or more vectors and 1 to 10,000 trees, found 200 and {trees}"):
        AnnoyIndex.build(VECTORS, trees=trees)


@pytest.mark.parametrize("search_k", [0, -5, 2**31])
def test_nodes_a_query_out_of_range_are_refused_when_built_and_later(search_k: int) -> None:
    with pytest.raises(ConfigError, match="search_k: expected 1 to 2,147,483,647 nodes, found"):
        AnnoyIndex.build(VECTORS, search_k=search_k)
    with pytest.raises(ConfigError, match="search_k: expected 1 to 2,147,483,647 nodes, found"):
        AnnoyIndex.build(VECTORS).searched_with(search_k)


@pytest.mark.parametrize("seed", [-1, 2**31 - 1, 2**63])
def test_a_seed_that_annoy_cannot_hold_is_refused(seed: int) -> None:
    with pytest.raises(ConfigError, match=f"seed: expected 0 to .*, found {seed}"):
        AnnoyIndex.build(VECTORS, seed=seed)


def test_another_metric_is_refused() -> None:
    with pytest.raises(ConfigError, match="metric: expected dot, augmented, angular, euclidean, found 'hamming'"):
        AnnoyIndex.build(VECTORS, "hamming")  # type: ignore[arg-type]


def test_no_vectors_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected 1 or more vectors"):
        AnnoyIndex.build(np.empty((0, 4)))


@pytest.mark.parametrize("length", [1e19, 1e30, 1e300])
def test_lengths_whose_products_float32_cannot_hold_are_refused(length: float) -> None:
    with pytest.raises(DataError, match=r"expected lengths up to 1e\+18|expected finite numbers"):
        AnnoyIndex.build(VECTORS * length)
    with pytest.raises(DataError, match=r"expected lengths up to 1e\+18|expected finite numbers"):
        AnnoyIndex.build(VECTORS).search(QUERIES * length, 3)


def test_long_vectors_within_the_limit_have_finite_scores() -> None:
    found = AnnoyIndex.build(VECTORS * 1e17, search_k=100_000).search(QUERIES * 1e17, 200)
    assert np.isfinite(found.scores).all()


WIDE = """
from mlsd_lab.errors import ConfigError
try:
    index = AnnoyIndex.build(np.ones((2, 3_000_000), dtype=np.float32), trees=1)
    print(index.search(np.ones((1, 3_000_000)), 1).videos)
except ConfigError as error:
    print(error)
"""


def test_vectors_too_wide_for_annoy_s_stack_are_refused_and_the_process_lives() -> None:
    said = in_another_process(WIDE)  # factors of 3 million videos, the wrong way round
    assert said == "vectors: expected dimension up to 100,000, found 3,000,000; a row is a video\n"


@pytest.mark.parametrize("number", [0, 199, 201])
def test_ids_must_be_one_a_vector(tmp_path: Path, number: int) -> None:
    with pytest.raises(ConfigError, match=f"ids: expected 200, one a vector, found {number}"):
        AnnoyIndex.build(VECTORS).save(tmp_path / "index", ["id"] * number)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_overwritten(folder: Path) -> None:
    before = (folder / "index.ann").read_bytes()
    with pytest.raises(ConfigError, match="already holds something"):
        AnnoyIndex.build(VECTORS, seed=9).save(folder, IDS)
    assert (folder / "index.ann").read_bytes() == before


FULL = """
import resource
from mlsd_lab.errors import StorageError
index = AnnoyIndex.build(np.random.default_rng(0).normal(size=(2000, 8)), trees=5)
before = index.search(np.ones((1, 8)), 5).videos.tolist()
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for write in (lambda: index.save(Path(sys.argv[1], "index"), ["id"] * 2000), lambda: index.nbytes):
    try:
        write()
    except StorageError as error:
        print(error)
print(index.search(np.ones((1, 8)), 5).videos.tolist() == before)
"""


@pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files stands in for a full disk")
def test_where_there_is_no_room_it_says_so_leaves_nothing_and_goes_on_answering(tmp_path: Path) -> None:
    saving, weighing, same = in_another_process(FULL, tmp_path).splitlines()
    assert saving.startswith("cannot write")
    assert weighing.startswith("cannot write")
    assert same == "True"
    assert list(tmp_path.iterdir()) == []


# Damage


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused(folder: Path, name: str) -> None:
    for size in (0, 1, (folder / name).stat().st_size // 2):
        os.truncate(folder / name, size)
        with pytest.raises(ArtifactError, match=name):
            AnnoyIndex.load(folder)


@pytest.mark.parametrize("name", ["index.ann", "ids.json"])
def test_a_flipped_byte_anywhere_is_refused_by_name_and_both_checksums(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    stated = sha256(folder / name)
    for at in [0, len(whole) - 1, *np.random.default_rng(0).integers(len(whole), size=25).tolist()]:
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ArtifactError, match=f"{name}.*{stated}.*{sha256(folder / name)}"):
            AnnoyIndex.load(folder)


def test_an_added_file_is_refused(folder: Path) -> None:
    (folder / "extra.pkl").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"extra\.pkl: not in the manifest"):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize("name", ["index.ann", "ids.json"])
def test_a_link_is_refused_even_to_the_right_bytes(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(ArtifactError, match="expected a plain file"):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize("name", ["../ids.json", "/etc/hostname", "sub/ids.json", "..", "."])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(folder: Path, name: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"].pop("ids.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", "null", '{"kind": "annoy-index/1", "files": [], "facts": 3}'])
def test_a_manifest_of_another_form_is_refused(folder: Path, manifest: str) -> None:
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        AnnoyIndex.load(folder)


def test_an_artifact_of_another_kind_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text()) | {"kind": "model/1"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="expected an artifact of kind 'annoy-index/1', found 'model/1'"):
        AnnoyIndex.load(folder)


# Signed again after the change, so that only a look inside can tell


@pytest.mark.parametrize(
    "facts",
    [
        *({"size": size} for size in (199, 201, 0, -1, "200", 200.0, None)),
        *({"dimension": dimension} for dimension in (1, 5, 7, 10**9, 2**40, 0, None)),
        *({"metric": metric} for metric in ("angular", "euclidean", "hamming", None, ["dot"])),
        *({"search_k": search_k} for search_k in (0, -1, 2**31, 1.5, None)),
        *({"metric": "euclidean", "dimension": dimension} for dimension in range(1, 40)),
        {"metric": "angular", "dimension": 17},
    ],
    ids=str,
)
def test_facts_that_do_not_fit_the_file_are_refused(folder: Path, facts: dict[str, object]) -> None:
    sign_again(folder, **facts)
    with pytest.raises(ArtifactError):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize(
    "ids",
    [
        *("[]", "{}", "3", "not json", json.dumps(list(range(200))), json.dumps(dict.fromkeys(IDS))),
        pytest.param("[" * 200_000, id="deeper than Python goes"),
    ],
)
def test_ids_that_are_no_list_of_as_many_texts_are_refused(folder: Path, ids: str) -> None:
    (folder / "ids.json").write_text(ids)
    sign_again(folder)
    with pytest.raises(ArtifactError, match=r"ids\.json"):
        AnnoyIndex.load(folder)


@pytest.mark.parametrize("kept", [0, 40, 40 * 200, -3])
def test_a_file_cut_short_and_signed_again_is_refused(folder: Path, kept: int) -> None:
    (folder / "index.ann").write_bytes((folder / "index.ann").read_bytes()[:kept])
    sign_again(folder)
    with pytest.raises(ArtifactError, match=r"index\.ann: is no dot index of 200 vectors of dimension 6"):
        AnnoyIndex.load(folder)


FUZZ = """
import json, hashlib
from mlsd_lab.errors import ArtifactError
folder, rng = Path(sys.argv[1]), np.random.default_rng(0)
whole, manifest = (folder / "index.ann").read_bytes(), json.loads((folder / "manifest.json").read_text())
refused = 0
for _ in range(400):
    words = np.frombuffer(whole, dtype=np.int32).copy()
    at = rng.integers(len(words), size=rng.integers(1, 4))
    words[at] = rng.choice([rng.integers(-(2**31), 2**31), -1, 0, 1, 2, 199, 200, 2**31 - 1], size=len(at))
    (folder / "index.ann").write_bytes(words.tobytes())
    manifest["files"]["index.ann"]["sha256"] = hashlib.sha256(words.tobytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        index, _ = AnnoyIndex.load(folder)
    except ArtifactError:
        refused += 1
        continue
    for k in (1, 50, 1000):
        found = index.search(np.random.default_rng(1).normal(size=(5, 6)), k)
        assert found.videos.min() >= -1 and found.videos.max() < 200
print(refused)
"""


def test_a_file_changed_anywhere_and_signed_again_is_refused_or_searched_to_an_end(folder: Path) -> None:
    refused = int(in_another_process(FUZZ, folder))
    assert 0 < refused < 400  # the rest changed a vector's numbers, which are as good as any


def test_vectors_of_length_zero_and_a_query_of_length_zero_score_zero() -> None:
    index = AnnoyIndex.build(np.zeros((3, 2)), "augmented")
    assert index.search(np.array([[1.0, 2.0], [0.0, 0.0]]), 3).scores == pytest.approx(np.zeros((2, 3)), abs=1e-6)


def test_vectors_as_long_as_float32_can_multiply_are_found_in_the_augmented_form() -> None:
    vectors = VECTORS / np.linalg.norm(VECTORS, axis=1).max() * 9e17
    found = AnnoyIndex.build(vectors, "augmented", 20, 100_000).search(QUERIES * 1e17, 5)
    assert found.videos.tolist() == ExactIndex(VECTORS).search(QUERIES, 5).videos.tolist()


READER = """
index, _ = AnnoyIndex.load(Path(sys.argv[1]))
queries = np.random.default_rng(1).normal(size=(5, 16))
for line in sys.stdin:
    found = index.search(queries, 1000)  # of 20,000: touches the pages
    maps = Path("/proc/self/smaps").read_text().split("\\n")
    at = next(i for i, each in enumerate(maps) if "index.ann" in each)
    size, pss = (int(next(m for m in maps[at:] if m.startswith(f"{name}:")).split()[1]) for name in ("Rss", "Pss"))
    print(size, pss, found.videos.sum(), flush=True)
"""


class Reader:
    """A process that has an index mapped, and searches when told to."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", PRELUDE + READER, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=60)

    def search(self) -> tuple[int, int, int]:
        """Return the mapping's kilobytes in memory, this process's share of them, and a sum over what was found."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        rss, pss, found = map(int, self.process.stdout.readline().split())
        return rss, pss, found


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux alone tells what of a mapping is shared")
def test_one_file_is_mapped_by_two_processes_and_is_in_memory_once(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 16))
    AnnoyIndex.build(vectors, trees=20, search_k=100_000).save(tmp_path / "index", ["id"] * 20_000)
    with Reader(tmp_path / "index") as one:
        rss, alone, found = one.search()
        assert alone == pytest.approx(rss, rel=0.05)
        with Reader(tmp_path / "index") as two:
            other_rss, _, other_found = two.search()
            shared = one.search()[1], two.search()[1]
    assert found == other_found
    assert sum(shared) == pytest.approx(max(rss, other_rss), rel=0.1)  # two shares make one file


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the reader tells of its memory, as Linux does")
def test_readers_go_on_with_what_they_mapped_while_another_index_takes_its_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    AnnoyIndex.build(rng.normal(size=(20_000, 16)), trees=5).save(tmp_path / "index", ["id"] * 20_000)
    with Reader(tmp_path / "index") as before:
        _, _, found = before.search()
        with pytest.raises(ConfigError, match="index"):
            AnnoyIndex.build(VECTORS).save(tmp_path / "index", IDS)  # never over what others may have mapped
        AnnoyIndex.build(rng.normal(size=(20_000, 16)), trees=5).save(tmp_path / "next", ["id"] * 20_000)
        (tmp_path / "index").rename(tmp_path / "old")
        (tmp_path / "next").rename(tmp_path / "index")
        shutil.rmtree(tmp_path / "old")
        with Reader(tmp_path / "index") as after:
            assert after.search()[2] != found
        assert before.search()[2] == found
