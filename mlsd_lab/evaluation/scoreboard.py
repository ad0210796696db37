"""Several systems judged on the same users, with intervals and paired differences."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation.candidates import Candidates
from mlsd_lab.evaluation.estimate import Estimate, Weights, estimates, mean_of
from mlsd_lab.evaluation.spread import covered, gini, novelty
from mlsd_lab.evaluation.topk import TopK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, repr=False)
class Scoreboard:
    """Each system's metrics at k with 95 % intervals over users, and the paired difference in recall of each two.

    >>> from scipy.sparse import csr_matrix
    >>> lists = {"bad": [[2, 3]] * 20, "good": [[0, 1]] * 20}
    >>> found = {name: Candidates(np.array(rows), np.zeros((20, 2))) for name, rows in lists.items()}
    >>> board = Scoreboard.judge(found, csr_matrix([[1, 0, 0, 0]] * 20), popularity=[5, 3, 1, 1], rounds=100)
    >>> board.metrics["good"]["recall"].value, board.paired["good", "bad"].value
    (1.0, 1.0)
    """

    judged: dict[str, TopK]
    metrics: dict[str, dict[str, Estimate]]
    paired: dict[tuple[str, str], Estimate]

    @classmethod
    def judge(
        cls,
        found: dict[str, Candidates],
        relevant: "csr_matrix",
        popularity: ArrayLike,
        rounds: int = 1000,
        seed: int = 0,
    ) -> "Scoreboard":
        """Judge candidates of the same users against their relevant videos (a sparse row a user).

        `popularity` holds the number of training events a video. Pairs are (later, earlier) in the order given.
        All values are bootstrapped on the same resampled users, drawn once.
        """
        if not found or not relevant.nnz:
            raise ConfigError(f"expected 1 or more systems and relevant videos, found {len(found)} and {relevant.nnz}")
        judged = {name: TopK.judge(candidates, relevant) for name, candidates in found.items()}
        users, catalogue = relevant.shape
        per_user = {name: _per_user(judged[name], novelty(found[name], popularity)) for name in found}
        shown_to = [_shown_to(candidates, catalogue) for candidates in found.values()]
        names = list(found)
        pairs = [(b, a) for i, a in enumerate(names) for b in names[i + 1 :]]

        def everything(weights: Weights) -> NDArray[np.float64]:
            means = [mean_of(values)(weights) for metrics in per_user.values() for values in metrics.values()]
            drawn = weights.T.astype(np.float32)  # counts below 2**24 are exact in it, and half the work
            exposures = [(shown @ drawn).T.astype(np.float64) for shown in shown_to]
            spread = [measure(exposure, catalogue) for exposure in exposures for measure in (covered, gini)]
            recall = {name: mean_of(per_user[name]["recall"])(weights) for name in names}
            return np.stack([*means, *spread, *(recall[b] - recall[a] for b, a in pairs)], axis=1)

        value = iter(estimates(everything, users, rounds, seed=seed))
        metrics = {name: {metric: next(value) for metric in per_user[name]} for name in names}
        for name in names:
            metrics[name] |= {metric: _share(next(value)) for metric in ("coverage", "exposure_gini")}
        return cls(judged, metrics, {pair: next(value) for pair in pairs})

    @property
    def systems(self) -> list[str]:
        """Names of the systems, in the order they were given."""
        return list(self.judged)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a system and metric with value, low and high."""
        import pandas as pd

        rows = [
            (name, metric, value.value, value.low, value.high)
            for name, metrics in self.metrics.items()
            for metric, value in metrics.items()
        ]
        return pd.DataFrame(rows, columns=["system", "metric", "value", "low", "high"])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each system's recall as a bar with its interval."""
        from matplotlib.ticker import PercentFormatter

        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure().add_subplot()
        values = [self.metrics[name]["recall"] for name in self.systems]
        error = [[v.value - v.low for v in values], [v.high - v.value for v in values]]
        rows = np.arange(len(values))
        whiskers = {"ecolor": "#333333", "capsize": 3}
        ax.barh(rows, [v.value for v in values], xerr=np.maximum(error, 0), height=0.6, alpha=0.5, error_kw=whiskers)
        ax.set_yticks(rows, self.systems)
        ax.invert_yaxis()
        ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
        ax.set_xlabel(f"recall at {self._k}: share of what each person went on to like (whiskers: 95 % interval)")
        return ax

    def plot_growth(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how recall grows with the length of the list."""
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure().add_subplot()
        lengths = np.arange(1, self._k + 1)
        for name, dashes in zip(self.systems, ("-", "--", "-.", ":") * len(self.systems), strict=False):
            hits = self.judged[name].hits
            of = np.where(self.judged[name].relevant > 0, self.judged[name].relevant, np.nan)
            growth = np.nanmean(np.cumsum(hits, axis=1) / of[:, None], axis=0)
            ax.plot(lengths[: len(growth)], growth, dashes, label=name)
        ax.set_xlabel("candidates a person")
        ax.set_ylabel("recall")
        ax.legend()
        return ax

    def summary(self) -> dict[str, Any]:
        """Return recall, intervals, paired differences, verdicts and all metrics, as a report gives them."""
        metrics = {name: {m: _json(v) for m, v in of.items()} for name, of in self.metrics.items()}
        recall = {name: of["recall"] for name, of in metrics.items()}
        return {
            "recall": {name: value["value"] for name, value in recall.items()},
            "interval": {name: [value["low"], value["high"]] for name, value in recall.items()},
            "paired": {f"{b} - {a}": _json(value) for (b, a), value in self.paired.items()},
            "verdict": self.verdicts(),
            "metrics": metrics,
        }

    def verdicts(self) -> list[str]:
        """Say of each pair, in a sentence, which one found more, or that this test cannot tell."""
        return [value.verdict(b, a, f"recall@{self._k}") for (b, a), value in self.paired.items()]

    @property
    def _k(self) -> int:
        return max(topk.hits.shape[1] for topk in self.judged.values())


def _per_user(topk: TopK, novelty_bits: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    at_10 = min(10, topk.hits.shape[1])
    return {
        "recall": topk.recall(),
        "precision": topk.precision(),
        f"ndcg_at_{at_10}": topk.ndcg(at_10),
        "ndcg": topk.ndcg(),
        "map": topk.average_precision(),
        "novelty_bits": novelty_bits,
    }


def _shown_to(candidates: Candidates, catalogue: int) -> "csr_matrix":
    """Return who is shown what, a row a video that anybody is shown: most of a large catalogue is in no list."""
    shown = candidates.matrix(catalogue).astype(np.float32).T.tocsr()
    return shown[np.diff(shown.indptr) > 0]


def _share(value: Estimate) -> Estimate:
    """Keep the interval of a share, which the correction of its bias can move past 0 or 1, within them."""
    return replace(value, low=float(np.clip(value.low, 0, 1)), high=float(np.clip(value.high, 0, 1)))


def _json(value: Estimate) -> dict[str, float]:
    return {"value": round(value.value, 6), "low": round(value.low, 6), "high": round(value.high, 6)}
