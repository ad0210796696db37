"""Features that are defined once and cannot differ between training and serving."""

from mlsd_lab.features.about import About
from mlsd_lab.features.access.access import Access
from mlsd_lab.features.access.reader import Reader
from mlsd_lab.features.aggregate import Count, Mean, Rate, Sum
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import Derived, Last, Windowed, derived, last, windowed
from mlsd_lab.features.history import History
from mlsd_lab.features.skew import Skew
from mlsd_lab.features.skew_audit import audit
from mlsd_lab.features.stores.memory_store import MemoryStore
from mlsd_lab.features.stores.online import Lookup, OnlineStore
from mlsd_lab.features.stores.open_store import open_store
from mlsd_lab.features.stores.redis_store import RedisStore
from mlsd_lab.features.stores.snapshot import Snapshot
from mlsd_lab.features.stores.sqlite_store import SqliteStore
from mlsd_lab.features.timeline import Timeline, stream
from mlsd_lab.features.training import training_set

__all__ = [
    "About",
    "Access",
    "Catalogue",
    "Count",
    "Derived",
    "History",
    "Last",
    "Lookup",
    "Mean",
    "MemoryStore",
    "OnlineStore",
    "Rate",
    "Reader",
    "RedisStore",
    "Skew",
    "Snapshot",
    "SqliteStore",
    "Sum",
    "Timeline",
    "Windowed",
    "audit",
    "derived",
    "last",
    "open_store",
    "stream",
    "training_set",
    "windowed",
]
