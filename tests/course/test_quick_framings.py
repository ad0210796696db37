import numpy as np
import pandas as pd

from mlsd_lab.course.quick_framings import quick_framings
from mlsd_lab.framing import TASKS


def test_each_task_has_a_scorer_that_learned_its_own_label() -> None:
    length = np.tile([10.0, 100.0, 1000.0], 200)
    watches = pd.DataFrame({"watch_seconds": length * np.tile([0.95, 0.3, 0.0], 200), "duration_seconds": length})
    framings = quick_framings(pd.DataFrame({"length": length}), watches)
    assert list(framings) == [task.name for task in TASKS]
    asked = pd.DataFrame({"other": 0.0, "length": [10.0, 100.0, 1000.0]})
    half, parts, seconds = (framings[task.name](asked) for task in TASKS)
    assert np.allclose(half, [1, 0, 0], atol=0.05)
    assert np.allclose(parts, [2, 1, 0], atol=0.1)
    assert np.allclose(seconds, [9.5, 30, 0], atol=0.5)
