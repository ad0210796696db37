"""From a vague prompt to a task, a measure and a size."""

from mlsd_lab.framing.brief import Brief
from mlsd_lab.framing.capacity import Capacity, size
from mlsd_lab.framing.facts import FACTS, contradictions
from mlsd_lab.framing.quantity import Quantity

__all__ = ["FACTS", "Brief", "Capacity", "Quantity", "contradictions", "size"]
