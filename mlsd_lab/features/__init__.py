"""Features that are defined once and cannot differ between training and serving."""

from mlsd_lab.features.aggregate import Count, Mean, Rate, Sum
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import Derived, Windowed, derived, windowed
from mlsd_lab.features.history import History
from mlsd_lab.features.online import Lookup, MemoryStore
from mlsd_lab.features.skew import Skew, audit
from mlsd_lab.features.timeline import Timeline, stream
from mlsd_lab.features.training import training_set

__all__ = [
    "Catalogue",
    "Count",
    "Derived",
    "History",
    "Lookup",
    "Mean",
    "MemoryStore",
    "Rate",
    "Skew",
    "Sum",
    "Timeline",
    "Windowed",
    "audit",
    "derived",
    "stream",
    "training_set",
    "windowed",
]
