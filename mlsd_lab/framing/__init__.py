"""From a vague prompt to a task, a measure and a size."""

from mlsd_lab.framing.brief import Brief
from mlsd_lab.framing.capacity import Capacity, size
from mlsd_lab.framing.design_map import DESIGNS, Costs, DesignMap
from mlsd_lab.framing.experiment import users_an_arm
from mlsd_lab.framing.facts import FACTS, contradictions, fact
from mlsd_lab.framing.metric_tree import TREES, MetricTree, metric_tree
from mlsd_lab.framing.quantity import Quantity
from mlsd_lab.framing.tasks import TASKS, Contest, Task, contest, outcomes

__all__ = [
    "DESIGNS",
    "FACTS",
    "TASKS",
    "TREES",
    "Brief",
    "Capacity",
    "Contest",
    "Costs",
    "DesignMap",
    "MetricTree",
    "Quantity",
    "Task",
    "contest",
    "contradictions",
    "fact",
    "metric_tree",
    "outcomes",
    "size",
    "users_an_arm",
]
