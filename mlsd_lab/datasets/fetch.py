"""Downloads a data set into `data/NAME`: resumable, checked against the checksum of the first download."""

import gzip
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from mlsd_lab.artifacts import atomic_folder, sha256
from mlsd_lab.datasets.kuairand import LOGS
from mlsd_lab.errors import ConfigError, DataError, StorageError

KUAIRAND_URL = "https://zenodo.org/records/10439422/files/KuaiRand-Pure.tar.gz"
_WANTED = {*LOGS, "user_features_pure.csv", "video_features_basic_pure.csv"}
_ATTEMPTS = 3


def fetch_kuairand(
    into: Path, url: str = KUAIRAND_URL, on_progress: Callable[[str, float], None] = lambda _stage, _share: None
) -> Path:
    """Download KuaiRand-Pure (45 MB) and unpack its logs and features into the folder `into`, which it returns.

    An interrupted download stays beside it as `NAME.tar.gz.part` and is continued by the next call. The SHA-256 of the
    first finished download is kept in `NAME.sha256`; a later download that differs is refused. The folder appears whole
    or not at all. Raises `DataError` when there is no network, `ConfigError` when `into` holds something.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fetch_kuairand(Path(folder, "kuairand"), url="http://127.0.0.1:9/KuaiRand-Pure.tar.gz")
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: cannot download http://127.0.0.1:9/KuaiRand-Pure.tar.gz (...). ...
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ConfigError(
            f"{into} already holds something; the data set is there, or choose another folder with --into"
        )
    part = into.with_name(f"{into.name}.tar.gz.part")
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        _download(url, part, on_progress)
        _check_digest(part, into.with_name(f"{into.name}.sha256"))
    except OSError as error:
        raise StorageError(f"cannot write {part}: {error.strerror or error}") from error
    on_progress("unpack", 0.0)
    _unpack(part, into)
    part.unlink()
    on_progress("unpack", 1.0)
    return into


def _download(url: str, part: Path, on_progress: Callable[[str, float], None]) -> None:
    import httpx

    problem: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            return _continue(url, part, on_progress)
        except httpx.HTTPStatusError as error:
            raise DataError(f"cannot download {url}: the server answered {error.response.status_code}") from error
        except httpx.HTTPError as error:
            problem = error
    hint = "Try again with a network: it goes on where it stopped. Or name a folder that has the files with --path"
    raise DataError(f"cannot download {url} ({problem}). {hint}")


def _continue(url: str, part: Path, on_progress: Callable[[str, float], None]) -> None:
    import httpx

    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if total == str(have):
                return  # it was complete already
            part.unlink()
            raise httpx.ReadError("the part on disk is longer than the file; starting again")
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        total_bytes = done + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if resumed else "wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
                done += len(piece)
                on_progress("download", min(1.0, done / max(1, total_bytes)))


def _check_digest(archive: Path, record: Path) -> None:
    found = sha256(archive)
    expected = record.read_text(encoding="utf-8").strip() if record.exists() else ""
    if not expected:  # a first download, or a record that a full disk left empty
        record.write_text(found + "\n", encoding="utf-8")
    elif found != expected:
        archive.unlink()
        raise DataError(
            f"the download has sha256 {found}, the first one had {expected} ({record}); it was deleted, fetch again"
        )


def _unpack(archive: Path, into: Path) -> None:
    try:
        with atomic_folder(into) as draft:
            _extract(archive, draft)
    except DataError as error:
        archive.unlink()
        into.with_name(f"{into.name}.sha256").unlink(missing_ok=True)
        raise DataError(f"the downloaded archive cannot be unpacked ({error}); it was deleted, fetch again") from error


def _extract(archive: Path, into: Path) -> None:
    """Write the wanted members by their bare names, so that none can leave the folder; links are skipped."""
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                name = Path(member.name).name
                source = tar.extractfile(member) if member.isfile() and name in _WANTED else None
                if source is not None:
                    with (into / name).open("wb") as target:
                        while piece := source.read(1 << 20):
                            target.write(piece)
            while stream.read(1 << 20):
                pass  # to the end, where gzip compares its checksum, which a tar reader never reaches
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{archive}: {error}") from error
    if not any((into / name).exists() for name in LOGS):
        raise DataError(f"{archive}: expected {LOGS[1]} inside, found no log")
