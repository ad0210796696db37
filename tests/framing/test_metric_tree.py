import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import Brief
from mlsd_lab.framing.metric_tree import TREES, MetricTree, metric_tree


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.brief)
def test_each_brief_has_a_tree_from_the_goal_to_the_label(tree: MetricTree) -> None:
    found = metric_tree(tree.brief)
    assert found is tree
    assert Brief.load(found.brief).name == found.brief
    lines = repr(found).splitlines()
    assert lines[:2] == [f"task: {found.task}", f"business goal: {found.goal}"]
    assert found.task.count("→") == 2  # what is given, what is predicted, what is decided
    assert lines[2].endswith(f"online metric: {found.online}")
    assert sum("guardrail: " in line for line in lines) == len(found.guardrails) >= 3
    assert sum("offline metric: " in line for line in lines) == len(found.offline) >= 2
    assert lines[-2].strip() == f"known: {found.known_after}"
    assert lines[-1] == f"if it is wrong: {found.if_wrong}"


def test_another_prompt_has_none_yet() -> None:
    with pytest.raises(ConfigError, match=r"expected a brief of video-feed, .*, found 'chess'"):
        metric_tree("chess")
