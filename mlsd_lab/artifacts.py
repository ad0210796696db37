"""Folders that appear whole or not at all, with a manifest of checksums, verified before anything in them is used."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlsd_lab.errors import ArtifactError, ConfigError, StorageError

MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a"); _ = file.write_bytes(b"abc"); sha256(file)[:8]
    'ba7816bf'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} already holds something; name a folder that is empty or does not exist yet")
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


def write_manifest(folder: Path, kind: str, **facts: Any) -> None:
    """Write `manifest.json`: what the folder is, the caller's facts, and size and SHA-256 of every file in it.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_text("abc")
    ...     write_manifest(Path(folder), "note", words=1)
    ...     verified(Path(folder), "note")["words"]
    1
    """
    files = {p.name: {"bytes": p.stat().st_size, "sha256": sha256(p)} for p in sorted(folder.iterdir())}
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
    listed = set(manifest["files"]) | {MANIFEST}
    found = {path.name for path in folder.iterdir()}
    if found != listed:
        odd = sorted(found ^ listed)[0]
        raise ArtifactError(f"{folder / odd}: {'not in the manifest' if odd in found else 'missing'}; make it again")
    for name, stated in manifest["files"].items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise ArtifactError(f"{path}: expected a plain file, found a link or a folder")
        digest = sha256(path)
        if digest != stated["sha256"]:
            raise ArtifactError(f"{path}: the manifest says sha256 {stated['sha256']}, the file has {digest}")
    facts: dict[str, Any] = manifest["facts"]
    return facts


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
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
    escaping = [name for name in manifest["files"] if Path(name).name != name]
    if escaping:
        raise ArtifactError(f"{path}: the file name {escaping[0]!r} leaves the folder")
    return dict(manifest)
