"""Files and folders that appear whole or not at all; manifests of checksums, verified before anything is used."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mlsd_lab.errors import ArtifactError, ConfigError, StorageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a"); _ = file.write_bytes(b"abc"); sha256(file)[:8]
    'ba7816bf'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_free(target: Path) -> None:
    """Raise `ConfigError` unless a folder may take this name: nothing there, or an empty folder nobody stands in.

    >>> require_free(Path("/"))
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: / already holds something; name a folder that is empty or does not exist yet
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} already holds something; name a folder that is empty or does not exist yet")
    if target.resolve() == Path.cwd():
        raise ConfigError(f"{target} is the folder you are in, which cannot be replaced; name one inside it")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that takes its name when the block ends well, and vanishes otherwise.

    `target` must not exist, or be an empty folder. Raises `ConfigError` when it holds something, `StorageError`
    when it cannot be written.

    >>> with tempfile.TemporaryDirectory() as root:
    ...     with atomic_folder(Path(root, "run")) as folder:
    ...         _ = (folder / "report.json").write_text("{}")
    ...     [path.name for path in sorted(Path(root).rglob("*"))]
    ['run', 'report.json']
    """
    require_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        draft.chmod(0o755)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror or error}. Choose another place.") from error
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror or error}. Nothing was left behind.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a"), "abc")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('a', 'abc')]
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}. Free the place, then run again."
        ) from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}. Free the place, then run again."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def write_manifest(folder: Path, kind: str, **facts: Any) -> None:
    """Write `manifest.json`: what the folder is, the caller's facts, and size and SHA-256 of every file in it.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_text("abc")
    ...     write_manifest(Path(folder), "note", words=1)
    ...     verified(Path(folder), "note")["words"]
    1
    """
    files = {name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for name, path in _files(folder).items()}
    manifest = {"kind": kind, "files": files, "facts": facts}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def verified(folder: Path, kind: str) -> dict[str, Any]:
    """Return the facts of a folder's manifest after checking that every file is there, is listed, and is unchanged.

    Raises `ArtifactError` for a missing, added, linked or changed file, or a manifest of another kind.

    >>> verified(Path("no-such-folder"), "note")
    Traceback (most recent call last):
    mlsd_lab.errors.ArtifactError: no-such-folder/manifest.json: cannot be read (No such file or directory)
    """
    manifest = _read_manifest(folder)
    if manifest["kind"] != kind:
        raise ArtifactError(f"{folder}: expected an artifact of kind {kind!r}, found {manifest['kind']!r}")
    listed, found = set(manifest["files"]), _files(folder)
    for name in listed:
        if (folder / name).is_symlink() or ((folder / name).exists() and not (folder / name).is_file()):
            raise ArtifactError(f"{folder / name}: expected a plain file, found a link or a folder")
    for odd in sorted(listed ^ set(found)):
        raise ArtifactError(f"{folder / odd}: {'not in the manifest' if odd in found else 'missing'}; make it again")
    for name, stated in manifest["files"].items():
        digest = sha256(folder / name)
        if digest != stated["sha256"]:
            raise ArtifactError(f"{folder / name}: the manifest says sha256 {stated['sha256']}, the file has {digest}")
    facts: dict[str, Any] = manifest["facts"]
    return facts


def content_sha256(*arrays: "NDArray[Any]", texts: str = "") -> str:
    """Return one SHA-256 over arrays (dtype, shape and bytes) and a text: what a model *is*, however it is stored.

    >>> import numpy as np
    >>> content_sha256(np.arange(3)) == content_sha256(np.arange(3)) != content_sha256(np.arange(3.0))
    True
    """
    digest = hashlib.sha256(texts.encode())
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_arrays(path: Path, names: Collection[str]) -> dict[str, "NDArray[Any]"]:
    """Return the named arrays of an `.npz` file; raises `ArtifactError` where it has others, objects, or is none.

    >>> read_arrays(Path("nowhere.npz"), ["users"])
    Traceback (most recent call last):
    mlsd_lab.errors.ArtifactError: nowhere.npz: expected arrays users, found none that can be read (...)
    """
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # numpy leaves a broken one open
            return {name: stored[name] for name in names}
    except Exception as error:  # whatever a foreign or broken file makes the reader raise
        raise ArtifactError(
            f"{path}: expected arrays {', '.join(names)}, found none that can be read ({error})"
        ) from error


def _files(folder: Path) -> dict[str, Path]:
    """Return what lies in a folder and the folders in it, by its name from there, without the folder's manifest."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    return {name: path for name, path in found.items() if name != MANIFEST and (path.is_symlink() or not path.is_dir())}


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if path.is_symlink():
        raise ArtifactError(f"{path}: expected a plain file, found a link")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: is not JSON ({error})") from error
    try:
        well_formed = (
            isinstance(manifest["kind"], str)
            and isinstance(manifest["facts"], dict)
            and all(isinstance(stated["sha256"], str) for stated in manifest["files"].values())
        )
    except (KeyError, TypeError, AttributeError):
        well_formed = False
    if not well_formed:
        raise ArtifactError(f"{path}: expected kind, files with their sha256, and facts; found something else")
    for name in manifest["files"]:
        place = PurePosixPath(name)
        if place.is_absolute() or not place.parts or ".." in place.parts or "\0" in name:
            raise ArtifactError(f"{path}: the file name {name!r} leaves the folder")
    return dict(manifest)
