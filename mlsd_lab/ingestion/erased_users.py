"""Who was erased from a lake: known by the hash of the id alone, so that a late copy stays out."""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.mentioned_users import mentioned_users
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import ERASED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class ErasedUsers:
    """The erased users of a lake as of now: open the table that you will write to before, not after.

    An erasure that comes later commits to that table too, and so refuses what was read without it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ErasedUsers(Lake(folder)).are_named(b'{"user_id": "ann"}')
    False
    """

    def __init__(self, lake: Lake) -> None:
        connection = connect()
        lake.view(connection, ERASED.name, "erased_users")
        self._digests = {digest for (digest,) in connection.execute("SELECT user FROM erased_users").fetchall()}

    def drop(self, connection: "DuckDBPyConnection") -> int:
        """Delete their rows from the table `parsed` of a connection, and return how many those were."""
        if not self._digests:
            return 0
        theirs = "SELECT user_id FROM (SELECT DISTINCT user_id FROM parsed) WHERE sha256(user_id) IN (SELECT unnest(?))"
        deleted = connection.execute(f"DELETE FROM parsed WHERE user_id IN ({theirs})", [sorted(self._digests)])
        return int(deleted.fetchall()[0][0])

    def among(self, users: Iterable[str]) -> list[bool]:
        """Say of each user whether it is one of them."""
        users = [*users]
        theirs = {user for user in {*users} if user_digest(user) in self._digests} if self._digests else set()
        return [user in theirs for user in users]

    def are_named(self, record: bytes) -> bool:
        """Say whether a record that cannot be parsed may name one of them."""
        return bool(self._digests) and any(user_digest(user) in self._digests for user in mentioned_users(record))


def user_digest(user: str) -> str:
    """Return the SHA-256 of a user's id, in hexadecimal.

    >>> user_digest("ann")[:8]
    '49915e0d'
    """
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
