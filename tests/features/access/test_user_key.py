import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlsd_lab.errors import ArtifactError, StorageError
from mlsd_lab.features.access.user_key import UserKey


def test_a_name_is_the_same_for_all_who_have_the_file_and_no_plain_hash(tmp_path: Path) -> None:
    key = UserKey(tmp_path / "new" / "users.key")
    names = [key.name_of(user) for user in ("ann", "bob", "", "ü\ud800")]
    assert len({*names}) == 4
    assert UserKey(tmp_path / "new" / "users.key").name_of("ann") == names[0]
    assert UserKey(tmp_path / "other.key").name_of("ann") != names[0]
    assert names[0] not in hashlib.sha256(b"ann").hexdigest()
    assert (tmp_path / "new" / "users.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["users.key"]


def test_of_many_who_make_it_at_once_all_have_the_same(tmp_path: Path) -> None:
    for at in range(20):
        with ThreadPoolExecutor(4) as threads:
            names = threads.map(lambda path: UserKey(path).name_of("ann"), [tmp_path / f"{at}.key"] * 4)
        assert len({*names}) == 1


def test_the_key_lies_under_one_name_whenever_its_maker_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_options: None)  # what a killed process does not come to
    UserKey(tmp_path / "users.key").name_of("ann")
    assert [file.name for file in tmp_path.iterdir()] == ["users.key"]


def test_a_disk_that_is_full_leaves_no_part_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*No space left"):
        UserKey(tmp_path / "users.key").name_of("ann")
    assert list(tmp_path.iterdir()) == []


def test_once_the_file_is_deleted_nobody_can_make_the_old_names(tmp_path: Path) -> None:
    key = UserKey(tmp_path / "users.key")
    before = key.name_of("ann")
    key.path.unlink()
    assert key.name_of("ann") != before


def test_what_is_no_key_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"abc")
    with pytest.raises(ArtifactError, match=r"short: expected a key of 32 bytes, found 3: bring the old one back"):
        UserKey(tmp_path / "short").name_of("ann")
    with pytest.raises(StorageError, match="cannot read"):
        UserKey(tmp_path).name_of("ann")
    with pytest.raises(StorageError, match="cannot"):
        UserKey(tmp_path / "short" / "users.key").name_of("ann")
