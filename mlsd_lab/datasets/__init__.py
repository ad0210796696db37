"""`Log` and its schema, and the data sets that come in it."""

from mlsd_lab.datasets.catalogue import NAMES, load
from mlsd_lab.datasets.datasheet import Datasheet
from mlsd_lab.datasets.log import Log

__all__ = ["NAMES", "Datasheet", "Log", "load"]
