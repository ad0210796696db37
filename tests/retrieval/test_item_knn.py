import numpy as np
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval import ItemKNN, Retriever
from tests.retrieval.retriever_contract import RetrieverContract, a_log


class TestItemKNN(RetrieverContract):
    def make(self) -> Retriever:
        return ItemKNN()


@pytest.mark.parametrize("damping", [0.0, 0.25, 0.5])
def test_likeness_is_the_shared_audience_divided_by_the_audiences_as_damping_says(damping: float) -> None:
    log = a_log()
    alike = ItemKNN(neighbours=100, damping=damping).fit(log).neighbours_.toarray()
    once = log.matrix().sign().toarray()
    audience = np.maximum(once.sum(axis=0), 1)
    expected = (once.T @ once) / np.outer(audience, audience) ** damping
    np.fill_diagonal(expected, 0)
    assert alike == pytest.approx(expected)


def test_a_cosine_is_at_most_one() -> None:
    assert 0 < ItemKNN(damping=0.5).fit(a_log()).neighbours_.max() <= 1 + 1e-12


def test_only_the_nearest_are_kept_and_a_video_is_no_neighbour_of_itself() -> None:
    kept = ItemKNN(neighbours=3).fit(a_log()).neighbours_
    assert np.diff(kept.indptr).max() == 3
    assert (kept.diagonal() == 0).all()


@pytest.mark.parametrize("settings", [{"neighbours": 0}, {"damping": -0.1}, {"damping": 1.5}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected 1 or more neighbours and damping from 0 to 1"):
        ItemKNN(**settings)  # type: ignore[arg-type]
