"""Annoy's own index, which is not taken away from those who search it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock
from typing import Any


class SharedForest:
    """Annoy's index for several threads: when it saves, it gives up its memory for the file's, and must be alone.

    >>> from annoy import AnnoyIndex
    >>> annoy = AnnoyIndex(1, "dot")
    >>> annoy.add_item(0, [1.0]), annoy.build(1)
    (None, True)
    >>> with SharedForest(annoy).searched() as forest:
    ...     forest.get_nns_by_vector([1.0], 1)
    [0]
    """

    def __init__(self, annoy: Any) -> None:
        self._annoy, self._gate, self._idle, self._searching = annoy, Lock(), Condition(), 0

    @contextmanager
    def searched(self) -> Iterator[Any]:
        """Give out Annoy's index; until it is given back, nobody saves it."""
        with self._gate, self._idle:
            self._searching += 1
        try:
            yield self._annoy
        finally:
            with self._idle:
                self._searching -= 1
                self._idle.notify_all()

    def save(self, file: Path) -> None:
        """Write the file and map it, once all have given it back; who comes meanwhile waits. Raises `OSError`."""
        with self._gate, self._idle:
            self._idle.wait_for(lambda: self._searching == 0)
            self._annoy.save(str(file))
