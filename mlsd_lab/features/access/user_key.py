"""Users under names that only the holder of a key can make."""

import hmac
import os
import secrets
from pathlib import Path

from mlsd_lab.errors import ArtifactError, StorageError

_BYTES = 32


class UserKey:
    """A secret in a file, made by whoever needs it first: the same user has the same name as long as it is there.

    A plain hash would not do: whoever has a list of ids could hash them all. Without the file nobody can tell whose
    name it was, whence deleting it makes nameless all who were named.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     key = UserKey(Path(folder, "users.key"))
    ...     len(key.name_of("ann")), key.name_of("ann") == key.name_of("ann") != key.name_of("bob")
    (32, True)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def name_of(self, user_id: str) -> str:
        """Return the user's name: half of an HMAC-SHA-256, in hexadecimal."""
        return hmac.digest(self._key(), str(user_id).encode("utf-8", "surrogatepass"), "sha256")[:16].hex()

    def _key(self) -> bytes:
        try:
            key = self.path.read_bytes()  # each time, so that a key that was deleted is not used on
        except FileNotFoundError:
            key = self._made()
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror or error}. Make it readable") from error
        if len(key) != _BYTES:
            raise ArtifactError(
                f"{self.path}: expected a key of {_BYTES} bytes, found {len(key)}: bring the old one back"
            )
        return key

    def _made(self) -> bytes:
        """Make the file, whole, unless another process was first; return what is there then."""
        from fcntl import LOCK_EX, flock

        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                flock(folder, LOCK_EX)
                if not self.path.exists():
                    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                        file.write(secrets.token_bytes(_BYTES))
                        file.flush()
                        os.fsync(file.fileno())
                    draft.rename(self.path)  # a link would leave a second name, which a crash keeps, of a secret
            finally:
                os.close(folder)
            return self.path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror or error}. Free the place") from error
        finally:
            draft.unlink(missing_ok=True)
