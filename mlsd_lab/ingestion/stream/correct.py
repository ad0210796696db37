"""The correction: late events into the table that they missed."""

from dataclasses import dataclass

from mlsd_lab.ingestion.admit import admit, write
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import Shape


@dataclass(frozen=True)
class Corrected:
    """What became of the late events.

    >>> Corrected(late=5, new=3, replaced=1).copies
    1
    """

    late: int
    new: int
    replaced: int
    """They took the place of a stored copy that was known later, or with a greater hash."""

    @property
    def copies(self) -> int:
        """The table held them already, as well or better."""
        return self.late - self.new - self.replaced


def correct(lake: Lake, contract: Contract = EVENTS) -> Corrected:
    """Bring the late events of a lake into its events, and empty the table of late events.

    Then the events are what batch ingestion would have made of the same records. A run killed in between is simply run
    again; raises `ConflictError` where another writer commits meanwhile.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     correct(Lake(folder))
    Corrected(late=0, new=0, replaced=0)
    """
    shape, connection = Shape.of(contract), connect()
    if not lake.has(shape.late.name):
        return Corrected(0, 0, 0)
    waiting, events = lake.table(shape.late), lake.table(shape)
    erased = ErasedUsers(lake)
    waiting.view(connection, "waiting")
    with waiting.explained():
        connection.execute("CREATE TEMP TABLE parsed AS SELECT * FROM waiting")
    erased.drop(connection)
    late = int(connection.execute("SELECT count(*) FROM parsed").fetchall()[0][0])
    admitted = admit(connection, events)
    if admitted.rows:
        write(connection, events, admitted, {})
    if waiting.rows:
        waiting.overwrite(connection, waiting.shape.nothing, None, {})
    return Corrected(late, admitted.new, admitted.replaced)
