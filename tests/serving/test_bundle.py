import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.artifacts import MANIFEST, write_manifest
from mlsd_lab.errors import ArtifactError, ConfigError
from mlsd_lab.features import Catalogue
from mlsd_lab.features.feed import FEED
from mlsd_lab.ranking import BoostedTrees, Logistic
from mlsd_lab.retrieval import AnnoyIndex
from mlsd_lab.serving import Bundle
from tests.ranking.ranker_contract import bits
from tests.serving.small_service import STRANGER, als, bundle, bundle_of, index, logistic, recommender, request, trees

FILES = [
    *("boosted_trees.skops", "factors.npz", "user_ids.json"),
    *("index/index.ann", "index/ids.json", "index/manifest.json"),
]
OTHER_FEATURES = Catalogue("feed", "2", [*FEED.windowed, *FEED.derived])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle().save(tmp_path / "bundle")
    return tmp_path / "bundle"


def refusal(folder: Path, catalogue: Catalogue = FEED) -> str:
    with pytest.raises(ArtifactError) as refused:
        Bundle.load(folder, catalogue)
    return str(refused.value)


def rewrite_manifest(folder: Path) -> None:
    """Make the checksums fit the files again, as somebody with a reason would."""
    write_manifest(folder, "bundle/1", **json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["facts"])


class TestSaveAndLoad:
    def test_it_has_the_same_content_and_gives_the_same_answers(self, folder: Path) -> None:
        again = Bundle.load(folder, FEED)
        assert again.content_sha256 == bundle().content_sha256
        assert again.fingerprint == FEED.fingerprint
        for user in ("u0", "u3", STRANGER):
            before, after = (recommender(of).recommend(request(user)).served for of in (bundle(), again))
            pd.testing.assert_frame_equal(before, after, check_exact=True)

    def test_it_holds_these_files_and_nothing_else(self, folder: Path) -> None:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found == {*FILES, MANIFEST}

    def test_written_twice_and_from_a_loaded_one_the_content_is_the_same(self, folder: Path) -> None:
        Bundle.load(folder, FEED).save(folder.with_name("again"))
        assert Bundle.load(folder.with_name("again"), FEED).content_sha256 == bundle().content_sha256

    def test_a_logistic_ranker_is_kept_as_well(self, tmp_path: Path) -> None:
        made = bundle_of(logistic())
        made.save(tmp_path / "bundle")
        again = Bundle.load(tmp_path / "bundle", FEED)
        assert isinstance(again.ranker, Logistic)
        assert again.content_sha256 == made.content_sha256 != bundle().content_sha256

    def test_a_folder_that_holds_something_is_not_overwritten(self, folder: Path) -> None:
        with pytest.raises(ConfigError, match="already holds something"):
            bundle().save(folder)
        assert Bundle.load(folder, FEED).content_sha256 == bundle().content_sha256


class TestContent:
    def changed(self, **parts: Any) -> str:
        names = ("user_ids", "user_factors", "video_ids", "video_factors", "index", "popular", "ranker", "fingerprint")
        return Bundle(**{name: getattr(bundle(), name) for name in names} | parts).content_sha256

    def test_equal_parts_have_equal_content(self) -> None:
        assert self.changed() == bundle().content_sha256
        assert self.changed(user_factors=bundle().user_factors.copy()) == bundle().content_sha256

    @pytest.mark.parametrize("name", ["user_factors", "video_factors", "popular", "user_ids", "video_ids"])
    def test_any_entry_of_any_array_changes_it(self, name: str) -> None:
        whole = getattr(bundle(), name)
        rng = np.random.default_rng(0)
        for _ in range(5):
            array = whole.copy()
            at = tuple(rng.integers(size) for size in array.shape)
            match name:
                case "user_ids" | "video_ids":
                    array[at] += "x"
                case "popular":
                    array[at] = (array[at] + 1) % len(bundle().video_ids)
                case _:
                    array[at] = np.nextafter(array[at], np.inf)
            assert self.changed(**{name: array}) != bundle().content_sha256

    def test_another_fingerprint_changes_it(self) -> None:
        assert self.changed(fingerprint=OTHER_FEATURES.fingerprint) != bundle().content_sha256

    def test_another_index_changes_it(self) -> None:
        other = AnnoyIndex.build(als().video_factors_[::-1].copy(), trees=10, search_k=10_000)
        assert self.changed(index=other) != bundle().content_sha256

    def test_any_weight_of_a_logistic_ranker_changes_it(self) -> None:
        before = bundle_of(logistic()).content_sha256
        for at in range(len(logistic().weights_)):
            other = copy.copy(logistic())
            other.weights_ = other.weights_.copy()
            other.weights_[at] += 1e-6
            assert bundle_of(other).content_sha256 != before

    def test_a_single_leaf_of_a_tree_changes_it(self) -> None:
        """The probe reaches most leaves; one it does not reach is held by the file's checksum alone."""
        found = []
        for tree in range(10):
            other = copy.deepcopy(trees())
            nodes = other.model_._predictors[tree][0].nodes
            leaf = np.flatnonzero(nodes["is_leaf"])[tree % nodes["is_leaf"].sum()]
            nodes["value"][leaf] += 0.5
            found.append(bundle_of(other).content_sha256 != bundle().content_sha256)
        assert np.mean(found) >= 0.8

    def test_ids_are_told_apart_whatever_characters_they_have(self) -> None:
        ids = bundle().video_ids
        one, other = ids.copy(), ids.copy()
        one[:2], other[:2] = ("a\nb", "c"), ("a", "b\nc")
        assert self.changed(video_ids=one) != self.changed(video_ids=other)


class TestRefused:
    @pytest.mark.parametrize("name", FILES)
    def test_a_flipped_byte_in_any_file(self, folder: Path, name: str) -> None:
        content = (folder / name).read_bytes()
        for at in np.random.default_rng(0).integers(len(content), size=4):
            flipped = bytearray(content)
            flipped[at] ^= 1
            (folder / name).write_bytes(flipped)
            assert all(part in refusal(folder) for part in (name, "the manifest says sha256"))

    def test_a_flipped_byte_in_the_manifest_or_nothing_has_changed(self, folder: Path) -> None:
        """The size of a file stands there for people; what is checked is its checksum."""
        content = (folder / MANIFEST).read_bytes()
        refused = 0
        for at in np.random.default_rng(0).choice(len(content), size=60, replace=False):
            flipped = bytearray(content)
            flipped[at] ^= 1
            (folder / MANIFEST).write_bytes(flipped)
            try:
                assert Bundle.load(folder, FEED).content_sha256 == bundle().content_sha256
            except ArtifactError as error:
                assert folder.name in str(error)
                refused += 1
        assert refused > 40

    @pytest.mark.parametrize("name", [*FILES, MANIFEST])
    def test_a_missing_file(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        assert name in refusal(folder)

    @pytest.mark.parametrize("name", [*FILES, MANIFEST])
    def test_a_link_in_place_of_a_file(self, folder: Path, name: str) -> None:
        (folder / name).rename(folder.with_name("elsewhere"))
        (folder / name).symlink_to(folder.with_name("elsewhere"))
        assert f"{name}: expected a plain file, found a link" in refusal(folder)

    def test_a_link_in_place_of_the_index_folder(self, folder: Path) -> None:
        (folder / "index").rename(folder.with_name("elsewhere"))
        (folder / "index").symlink_to(folder.with_name("elsewhere"))
        assert "index" in refusal(folder)

    @pytest.mark.parametrize("name", ["ranker.pkl", "index/evil.py", "logistic.npz"])
    def test_an_added_file(self, folder: Path, name: str) -> None:
        (folder / name).write_bytes(b"cos\nsystem\n(Vtrue\ntR.")
        assert f"{name}: not in the manifest" in refusal(folder)

    @pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "index/../../outside"])
    def test_a_path_that_leaves_the_folder(self, folder: Path, name: str) -> None:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["files"][name] = {"bytes": 0, "sha256": "0" * 64}
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        assert f"the file name {name!r} leaves the folder" in refusal(folder)

    def test_other_features_with_both_fingerprints(self, folder: Path) -> None:
        sentence = refusal(folder, OTHER_FEATURES)
        assert FEED.fingerprint in sentence
        assert OTHER_FEATURES.fingerprint in sentence

    def test_a_folder_of_another_kind(self, folder: Path) -> None:
        assert "expected an artifact of kind 'bundle/1', found 'annoy-index/1'" in refusal(folder / "index")

    def test_a_ranker_fitted_on_the_columns_in_another_order(self) -> None:
        rng = np.random.default_rng(0)
        columns = list(FEED.columns)
        columns[3], columns[5] = columns[5], columns[3]
        ranker = Logistic().fit(pd.DataFrame(rng.random((50, len(columns))), columns=columns), np.array([0.0, 1] * 25))
        with pytest.raises(ConfigError, match=f"expected {FEED.columns[3]} as column 3, as feed has it, found"):
            bundle_of(ranker)

    def test_a_ranker_with_a_column_missing(self) -> None:
        rng = np.random.default_rng(0)
        features = pd.DataFrame(rng.random((50, len(FEED.columns) - 1)), columns=list(FEED.columns[:-1]))
        ranker = BoostedTrees(trees=2).fit(features, np.array([0.0, 1.0] * 25))
        with pytest.raises(ConfigError, match=f"expected {FEED.columns[-1]} as column .*, found nothing"):
            bundle_of(ranker)


def with_arrays(**changed: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with np.load(folder / "factors.npz") as stored:
            arrays = dict(stored) | changed
        np.savez(folder / "factors.npz", **arrays)

    return change


def with_ids(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "user_ids.json").write_text(text, encoding="utf-8")

    return change


def with_a_second_ranker(folder: Path) -> None:
    logistic().save(folder / Logistic.FILE)


def without_ranker(folder: Path) -> None:
    (folder / BoostedTrees.FILE).unlink()


def with_a_pickle_as_ranker(folder: Path) -> None:
    (folder / BoostedTrees.FILE).write_bytes(f"cos\nmkdir\n(V{folder.with_name('ran')}\ntR.".encode())


def with_a_ranker_of_other_columns(folder: Path) -> None:
    features = pd.DataFrame(np.random.default_rng(0).random((50, len(FEED.columns)))).add_prefix("f")
    BoostedTrees(trees=2).fit(features, np.array([0.0, 1.0] * 25)).save(folder / BoostedTrees.FILE)


USERS = 59  # of 60: nothing was learned about u3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (with_arrays(users=np.array([{}], dtype=object)), "factors.npz: expected arrays users, videos, popular"),
        (with_arrays(users=np.zeros((USERS, 3))), "factors.npz: expected users and videos as float64"),
        (with_arrays(users=np.zeros((USERS - 1, 8))), "factors.npz: expected users and videos as float64"),
        (with_arrays(videos=np.zeros((80, 8), dtype=np.float32)), "factors.npz: expected users and videos as float64"),
        (with_arrays(popular=np.array([80])), "factors.npz: popular: expected codes of 80 videos"),
        (with_arrays(popular=np.array([-1])), "factors.npz: popular: expected codes of 80 videos"),
        (with_arrays(popular=np.array(["v"])), "factors.npz: popular: expected codes of 80 videos"),
        (with_arrays(users=np.zeros((USERS, 8))), "it gives other answers here"),
        (with_ids("{"), "user_ids.json: cannot be read"),
        (with_ids("5"), "user_ids.json: expected a list of ids"),
        (with_ids('[["a"]]'), "user_ids.json: expected a list of ids"),
        (with_ids('["a"]'), "factors.npz: expected users and videos as float64"),
        (with_a_second_ranker, "expected one ranker of boosted_trees.skops, logistic.npz, found 2"),
        (without_ranker, "expected one ranker of boosted_trees.skops, logistic.npz, found 0"),
        (with_a_pickle_as_ranker, "boosted_trees.skops: expected a model in skops' format"),
        (with_a_ranker_of_other_columns, "expected user_impressions_1d as column 0, as feed has it, found f0"),
    ],
)
def test_a_changed_part_is_refused_even_where_the_manifest_was_written_anew(
    folder: Path, change: Callable[[Path], None], sentence: str
) -> None:
    change(folder)
    rewrite_manifest(folder)
    assert sentence in refusal(folder)
    assert not folder.with_name("ran").exists()


class TestRetrieve:
    def test_a_user_of_the_bundle_gets_the_index_s_best(self) -> None:
        code = bundle().user_ids.tolist().index("u5")
        products = bundle().video_factors @ bundle().user_factors[code]
        found = bundle().retrieve("u5", 20)
        assert found.tolist() == np.argsort(-products)[:20].tolist()
        assert bundle().retrieval_scores("u5", found) == pytest.approx(products[found])

    def test_retrieval_scores_are_the_bits_that_training_saw(self) -> None:
        codes = np.arange(80)
        user = [f"u{at}" for at in range(60)]
        for at, name in enumerate(sorted(user)):
            expected = als().scores(np.full(80, at), codes)
            assert bits(np.nan_to_num(bundle().retrieval_scores(name, codes))) == bits(np.nan_to_num(expected))

    def test_a_user_unknown_gets_what_is_popular_without_scores(self) -> None:
        for user in ("u3", STRANGER):
            assert bundle().retrieve(user, 7).tolist() == bundle().popular[:7].tolist()
            assert np.isnan(bundle().retrieval_scores(user, np.arange(3))).all()

    def test_where_annoy_finds_fewer_the_list_is_filled_up_with_popular_videos(self) -> None:
        hasty = AnnoyIndex.build(als().video_factors_, trees=40, search_k=1)
        made = copy.copy(bundle())
        made.index = hasty
        alone = [hasty.search(factors[None], 60).videos[0] for factors in bundle().user_factors]
        assert min((videos >= 0).sum() for videos in alone) < 60  # else this shows nothing
        for user, first in zip(bundle().user_ids, alone, strict=True):
            videos = made.retrieve(user, 60).tolist()
            own = first[first >= 0].tolist()
            popular = [video for video in bundle().popular.tolist() if video not in own]
            assert videos == [*own, *popular][:60]

    def test_an_index_over_all_is_given_or_built(self) -> None:
        assert bundle().index is index()
        assert len(bundle().retrieve("u0", 1000)) == 80
