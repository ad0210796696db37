"""What every ranker must do; a test class inherits `RankerContract` and says how to make one."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.ranking import BoostedTrees, Logistic

RNG = np.random.default_rng(0)
FEATURES = pd.DataFrame(
    {
        "good": RNG.normal(size=600),
        "seconds": RNG.exponential(100.0, size=600),
        "constant": 0.1,
        "empty": np.nan,
        "noise": RNG.random(600),
    }
)
FEATURES.loc[RNG.random(600) < 0.2, ["seconds", "noise"]] = np.nan
LABELS: NDArray[np.float64] = (FEATURES.good + 0.5 * RNG.normal(size=600) > 0).to_numpy(np.float64)
MANY = np.tile(FEATURES.to_numpy(), (20, 1))  # more rows than are scored on one thread
COUNT = MANY.shape[1]
OURS = BoostedTrees | Logistic


def bits(array: NDArray[np.float64]) -> bytes:
    return np.ascontiguousarray(array).tobytes()


class RankerContract:
    """Fitted on columns of which one is constant, one empty, and two have gaps."""

    def make(self) -> OURS:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def ranker(cls) -> OURS:
        return cls().make().fit(FEATURES, LABELS)

    @pytest.fixture
    def saved(self, ranker: OURS, tmp_path: Path) -> Path:
        ranker.save(tmp_path / ranker.FILE)
        return tmp_path / ranker.FILE

    def refusal(self, ranker: OURS, path: Path) -> str:
        with pytest.raises(ArtifactError) as refused:
            type(ranker).load(path)
        return str(refused.value)

    def test_it_learns_which_rows_succeed(self, ranker: OURS) -> None:
        score = ranker.score(FEATURES.to_numpy())
        assert score[LABELS == 1].mean() > score[LABELS == 0].mean() + 0.3

    def test_probabilities_lie_in_0_to_1_one_a_row(self, ranker: OURS) -> None:
        score = ranker.score(MANY)
        assert score.shape == (len(MANY),)
        assert score.dtype == np.float64
        assert ((score >= 0) & (score <= 1)).all()

    def test_one_row_alone_scores_as_among_thousands_to_the_bit(self, ranker: OURS) -> None:
        among = ranker.score(MANY)
        for row in range(0, 600, 37):
            assert bits(ranker.score(MANY[row : row + 1])) == bits(among[row : row + 1])
        assert bits(ranker.score(MANY[:501])) == bits(among[:501])
        assert bits(ranker.score(MANY[3:2000:7])) == bits(among[3:2000:7])

    def test_any_finite_or_missing_values_have_a_probability(self, ranker: OURS) -> None:
        odd = [0.0, -0.0, 5e-324, 1.0, -1e6, 1e18, -1.7e308, 1.7e308, np.nan]
        score = ranker.score(np.random.default_rng(1).choice(odd, size=(2000, COUNT)))
        assert ((score >= 0) & (score <= 1)).all()

    def test_a_slate_of_none_has_no_scores(self, ranker: OURS) -> None:
        assert ranker.score(np.empty((0, COUNT))).shape == (0,)

    def test_a_row_with_every_value_missing_has_a_probability(self, ranker: OURS) -> None:
        assert 0 < ranker.score(np.full((1, COUNT), np.nan))[0] < 1

    @pytest.mark.parametrize("column", ["constant", "empty"])
    def test_a_column_that_never_varied_says_nothing_when_it_does(self, ranker: OURS, column: str) -> None:
        moved = FEATURES.iloc[:50].copy()
        moved[column] = 0.7
        assert ranker.score(moved.to_numpy()) == pytest.approx(ranker.score(FEATURES.iloc[:50].to_numpy()), abs=1e-9)

    def test_features_and_labels_are_left_as_they_were(self) -> None:
        features, labels = FEATURES.copy(), LABELS.copy()
        self.make().fit(features, labels).score(features.to_numpy())
        pd.testing.assert_frame_equal(features, FEATURES)
        assert bits(labels) == bits(LABELS)

    def test_the_columns_are_those_it_was_fitted_on(self, ranker: OURS) -> None:
        assert ranker.columns == tuple(FEATURES.columns)

    @pytest.mark.parametrize("dtype", ["int64", "float32", "object", "Float64", "category"])
    def test_a_feature_of_another_type_is_refused_by_name(self, dtype: str) -> None:
        with pytest.raises(DataError, match=f"feature good: expected float64, found {dtype}"):
            self.make().fit(FEATURES.assign(good=FEATURES.good.round().astype(dtype)), LABELS)

    @pytest.mark.parametrize("bad", [np.inf, -np.inf])
    def test_an_infinite_feature_is_refused_by_name_when_fitted_and_when_scored(self, ranker: OURS, bad: float) -> None:
        features = FEATURES.copy()
        features.loc[4, "seconds"] = bad
        sentence = f"feature seconds: expected finite numbers or NaN, found {bad} in row 4"
        with pytest.raises(DataError, match=sentence):
            self.make().fit(features, LABELS)
        with pytest.raises(DataError, match=sentence):
            ranker.score(features.to_numpy())

    @pytest.mark.parametrize("shape", [(3, COUNT - 1), (3, COUNT + 1), (COUNT,), (1, 3, COUNT)])
    def test_a_matrix_of_another_shape_is_refused(self, ranker: OURS, shape: tuple[int, ...]) -> None:
        with pytest.raises(ConfigError, match=rf"expected {COUNT} columns \(good, seconds, constant, …\)"):
            ranker.score(np.zeros(shape))

    @pytest.mark.parametrize("dtype", [object, np.float32, np.int64, "datetime64[us]"])
    def test_a_matrix_of_another_type_is_refused(self, ranker: OURS, dtype: Any) -> None:
        with pytest.raises(ConfigError, match="features: expected float64, found"):
            ranker.score(np.zeros((3, COUNT)).astype(dtype))

    @pytest.mark.parametrize("labels", [[0.0] * 600, [1.0] * 600, [0.0, 2.0] * 300, [0.0, np.nan, 1.0] * 200])
    def test_labels_of_one_kind_or_of_a_third_are_refused(self, labels: list[float]) -> None:
        with pytest.raises(DataError, match="labels: expected 0 and 1, both present"):
            self.make().fit(FEATURES, np.array(labels))

    def test_labels_of_another_length_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"labels: expected one a row \(600\), found 599"):
            self.make().fit(FEATURES, LABELS[:-1])

    def test_features_without_any_value_are_refused(self) -> None:
        for features in (FEATURES[["empty"]], FEATURES[[]]):
            with pytest.raises(DataError, match=r"expected a value in one of \d columns at least, found none"):
                self.make().fit(features, LABELS)

    def test_one_seed_gives_the_same_bits_on_one_thread_and_on_two(self) -> None:
        scores = []
        for threads in (1, 2, 2):
            with threadpool_limits(threads):
                scores.append(bits(self.make().fit(FEATURES, LABELS).score(MANY)))
        assert len(set(scores)) == 1

    def test_what_is_saved_and_loaded_scores_the_same_bits(self, ranker: OURS, saved: Path) -> None:
        again = type(ranker).load(saved)
        assert again.columns == ranker.columns
        assert bits(again.score(MANY)) == bits(ranker.score(MANY))
        again.save(saved.with_name("again"))
        assert bits(type(ranker).load(saved.with_name("again")).score(MANY)) == bits(ranker.score(MANY))

    def test_it_is_one_file_of_the_name_given(self, ranker: OURS, tmp_path: Path) -> None:
        ranker.save(tmp_path / "model")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_another_process_scores_the_same_bits(self, ranker: OURS, saved: Path) -> None:
        np.save(saved.with_name("rows.npy"), MANY[:100])
        code = """
import sys
from pathlib import Path
import numpy as np
from mlsd_lab import ranking
ranker = getattr(ranking, sys.argv[1]).load(Path(sys.argv[2]))
print(ranker.score(np.load(sys.argv[3])).tobytes().hex())
"""
        arguments = (type(ranker).__name__, str(saved), str(saved.with_name("rows.npy")))
        said = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == bits(ranker.score(MANY[:100])).hex()

    def test_a_pickle_is_refused_and_not_run(self, ranker: OURS, saved: Path) -> None:
        mark = saved.with_name("ran")
        saved.write_bytes(f"cos\nmkdir\n(V{mark}\ntR.".encode())  # pickle for os.mkdir(mark)
        assert saved.name in self.refusal(ranker, saved)
        assert not mark.exists()

    def test_a_missing_an_empty_and_a_cut_file_are_refused(self, ranker: OURS, saved: Path) -> None:
        content = saved.read_bytes()
        for size in (0, 1, 30, len(content) // 2, len(content) - 1):
            saved.write_bytes(content[:size])
            assert saved.name in self.refusal(ranker, saved)
        saved.unlink()
        assert saved.name in self.refusal(ranker, saved)

    def test_a_file_of_another_ranker_is_refused(self, ranker: OURS, saved: Path) -> None:
        other = Logistic() if isinstance(ranker, BoostedTrees) else BoostedTrees(trees=2)
        other.fit(FEATURES, LABELS).save(saved)
        assert saved.name in self.refusal(ranker, saved)

    def test_a_flipped_byte_is_refused_or_changes_no_score(self, saved: Path) -> None:
        """Zip checks what it stores; its own fields (a date, say) may change without a trace."""
        small = self.small()
        small.save(saved)
        content, expected = saved.read_bytes(), bits(small.score(MANY[:50, :2]))
        rng, refused = np.random.default_rng(0), 0
        for at in rng.choice(len(content), size=min(len(content), 250), replace=False):
            flipped = bytearray(content)
            flipped[at] ^= int(rng.integers(1, 256))
            saved.write_bytes(flipped)
            try:
                loaded = type(small).load(saved)
            except ArtifactError as error:
                assert saved.name in str(error)
                refused += 1
            else:
                assert (loaded.columns, bits(loaded.score(MANY[:50, :2]))) == (small.columns, expected)
        assert refused > 100

    def small(self) -> OURS:
        ranker = self.make()
        if isinstance(ranker, BoostedTrees):
            ranker.trees = 2
        return ranker.fit(FEATURES[["good", "seconds"]], LABELS)
