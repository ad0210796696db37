"""A quick model for each task of notebook 01, as the notebook trains them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from mlsd_lab.framing import TASKS, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlsd_lab.framing.tasks import Scorer


def quick_framings(seen: "pd.DataFrame", watches: "pd.DataFrame") -> dict[str, "Scorer"]:
    """Return a scorer a task, learned from features and the watches that they belong to, row by row.

    `watches` has `watch_seconds` and `duration_seconds`. Boosted trees, 60 of them, the same for each task.

    >>> import numpy as np
    >>> import pandas as pd
    >>> length = np.tile([10.0, 30.0, 100.0], 200)
    >>> watches = pd.DataFrame({"watch_seconds": 8.0, "duration_seconds": length})
    >>> framings = quick_framings(pd.DataFrame({"length": length}), watches)
    >>> framings["will watch half"](pd.DataFrame({"length": [10.0, 100.0]})).round(2).tolist()
    [1.0, 0.0]
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    framings: dict[str, Scorer] = {}
    for task in TASKS:
        kind = HistGradientBoostingRegressor if task.name == "seconds watched" else HistGradientBoostingClassifier
        with threadpool_limits(1, "openmp"):  # on a busy machine two threads wait for each other
            model = kind(max_iter=60, learning_rate=0.1, early_stopping=False).fit(seen, task.label(watches))
        framings[task.name] = partial(_scored, task, getattr(model, "predict_proba", model.predict), list(seen))
    return framings


def _scored(
    task: Task, answer: "Callable[[pd.DataFrame], NDArray[Any]]", columns: list[str], rows: "pd.DataFrame"
) -> "NDArray[np.float64]":
    return task.score(answer(rows[columns]))
