import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlsd_lab.artifacts import (
    MANIFEST,
    atomic_folder,
    content_sha256,
    read_arrays,
    require_free,
    sha256,
    verified,
    write_manifest,
    write_whole,
)
from mlsd_lab.errors import ArtifactError, ConfigError, StorageError


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """A folder of two files with its manifest."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(range(256)))
    (folder / "b.txt").write_text("b", encoding="utf-8")
    write_manifest(folder, "model", factors=64)
    return folder


def refusal(folder: Path, kind: str = "model") -> str:
    with pytest.raises(ArtifactError) as refused:
        verified(folder, kind)
    return str(refused.value)


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class TestAtomicFolder:
    def test_a_folder_appears_when_the_block_ends(self, tmp_path: Path) -> None:
        with atomic_folder(tmp_path / "deep" / "run") as draft:
            (draft / "file").write_text("x", encoding="utf-8")
            assert not (tmp_path / "deep" / "run").exists()
        assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {
            "deep",
            "deep/run",
            "deep/run/file",
        }

    def test_an_empty_folder_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        with atomic_folder(tmp_path / "run") as draft:
            (draft / "file").touch()
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["file"]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_a_block_that_fails_leaves_nothing(self, tmp_path: Path, error: type[BaseException]) -> None:
        with pytest.raises(error), atomic_folder(tmp_path / "run") as draft:
            (draft / "file").touch()
            raise error
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_holds_something_is_refused_before_the_block(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "mine").touch()
        with pytest.raises(ConfigError, match="already holds something"), atomic_folder(tmp_path / "run"):
            pytest.fail("the block began")
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    def test_what_came_there_meanwhile_is_not_overwritten(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="cannot write"), atomic_folder(tmp_path / "run"):
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "theirs").touch()
        assert [path.name for path in tmp_path.iterdir()] == ["run"]
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["theirs"]

    def test_a_place_under_a_file_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(StorageError, match=r"cannot write .*Choose another place"),
            atomic_folder(tmp_path / "file" / "run"),
        ):
            pytest.fail("the block began")

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc, a place that not even root can write to")
    def test_a_place_that_is_read_only_cannot_be_written(self) -> None:
        with pytest.raises(StorageError, match="cannot write /proc/run"), atomic_folder(Path("/proc/run")):
            pytest.fail("the block began")

    def test_a_full_disk_is_named_and_leaves_nothing(self, tmp_path: Path) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            large = pytest.raises(StorageError, match=r"cannot write .*File too large\. Nothing was left")
            with large, atomic_folder(tmp_path / "run") as draft:
                (draft / "big").write_bytes(bytes(2000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(tmp_path.iterdir()) == []

    def test_others_may_read_what_was_made(self, tmp_path: Path) -> None:
        with atomic_folder(tmp_path / "run"):
            pass
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o755

    def test_a_process_killed_in_the_block_leaves_no_folder_of_that_name(self, tmp_path: Path) -> None:
        code = """
import os, signal, sys
from pathlib import Path
from mlsd_lab.artifacts import atomic_folder
with atomic_folder(Path(sys.argv[1])) as draft:
    (draft / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
        assert done.returncode != 0
        assert not (tmp_path / "run").exists()
        with atomic_folder(tmp_path / "run") as draft:
            (draft / "whole").touch()
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["whole"]

    def test_the_folder_one_stands_in_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for here in (Path(), tmp_path):
            with pytest.raises(ConfigError, match="is the folder you are in"):
                require_free(here)


class TestManifest:
    def test_facts_come_back_from_an_unchanged_folder(self, artifact: Path) -> None:
        assert verified(artifact, "model") == {"factors": 64}

    def test_it_lists_size_and_checksum_of_every_file(self, artifact: Path) -> None:
        manifest = json.loads((artifact / MANIFEST).read_text(encoding="utf-8"))
        assert manifest["files"]["b.txt"] == {"bytes": 1, "sha256": sha256(artifact / "b.txt")}
        assert set(manifest["files"]) == {"a.bin", "b.txt"}

    def test_it_may_be_written_again(self, artifact: Path) -> None:
        write_manifest(artifact, "model", factors=32)
        assert verified(artifact, "model") == {"factors": 32}

    @pytest.mark.parametrize("at", [0, 100, 255])
    def test_a_flipped_bit_is_refused_with_the_files_name_and_both_checksums(self, artifact: Path, at: int) -> None:
        content = bytearray((artifact / "a.bin").read_bytes())
        before = sha256(artifact / "a.bin")
        content[at] ^= 1
        (artifact / "a.bin").write_bytes(content)
        sentence = refusal(artifact)
        assert all(part in sentence for part in ("a.bin", before, sha256(artifact / "a.bin")))

    def test_a_missing_file_is_named(self, artifact: Path) -> None:
        (artifact / "b.txt").unlink()
        assert "b.txt: missing" in refusal(artifact)

    def test_a_file_that_was_added_is_named(self, artifact: Path) -> None:
        (artifact / "evil.pkl").touch()
        assert "evil.pkl: not in the manifest" in refusal(artifact)

    @pytest.mark.parametrize("name", ["b.txt", MANIFEST])
    def test_a_link_in_place_of_a_file_is_refused(self, artifact: Path, tmp_path: Path, name: str) -> None:
        (artifact / name).rename(tmp_path / "elsewhere")
        (artifact / name).symlink_to(tmp_path / "elsewhere")
        assert f"{name}: expected a plain file, found a link" in refusal(artifact)

    def test_a_folder_in_place_of_a_file_is_refused(self, artifact: Path) -> None:
        (artifact / "b.txt").unlink()
        (artifact / "b.txt").mkdir()
        assert "b.txt: expected a plain file" in refusal(artifact)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(self, artifact: Path) -> None:
        (artifact / "b.txt").unlink()
        os.mkfifo(artifact / "b.txt")
        assert "b.txt: expected a plain file" in refusal(artifact)

    def test_another_kind_is_refused(self, artifact: Path) -> None:
        assert "expected an artifact of kind 'index', found 'model'" in refusal(artifact, "index")

    def test_a_folder_without_manifest_is_refused(self, tmp_path: Path) -> None:
        assert "manifest.json: cannot be read (No such file or directory)" in refusal(tmp_path)

    @pytest.mark.parametrize(
        "text",
        ["", "{", "\0", "\xff", "[" * 100_000, "nonsense"],
        ids=["empty", "cut", "zero", "not ascii", "deep", "a word"],
    )
    def test_a_manifest_that_is_no_json_is_refused(self, artifact: Path, text: str) -> None:
        (artifact / MANIFEST).write_text(text, encoding="latin-1")
        assert "manifest.json: is not JSON" in refusal(artifact)

    @pytest.mark.parametrize(
        "content",
        [
            *([], 1, None, "text", {}, {"kind": "model"}, {"kind": 1, "files": {}, "facts": {}}),
            *({"kind": "model", "files": [], "facts": {}}, {"kind": "model", "files": {"a": {}}, "facts": {}}),
            *({"kind": "model", "files": {"a": "x"}, "facts": {}}, {"kind": "model", "files": {}, "facts": []}),
        ],
        ids=str,
    )
    def test_json_that_is_no_manifest_is_refused(self, artifact: Path, content: object) -> None:
        (artifact / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
        assert "expected kind, files with their sha256, and facts" in refusal(artifact)

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", ".", "a/b", "a\0b"])
    def test_a_name_that_leaves_the_folder_is_refused(self, artifact: Path, name: str) -> None:
        manifest = json.loads((artifact / MANIFEST).read_text(encoding="utf-8"))
        manifest["files"][name] = {"bytes": 0, "sha256": "0" * 64}
        (artifact / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        assert "leaves the folder" in refusal(artifact) or "missing" in refusal(artifact)

    def test_files_in_folders_are_listed_and_checked_too(self, artifact: Path) -> None:
        (artifact / "index").mkdir()
        (artifact / "index" / "ids.json").write_text("[]", encoding="utf-8")
        write_manifest(artifact, "model")
        assert verified(artifact, "model") == {}
        (artifact / "index" / "ids.json").write_text("{}", encoding="utf-8")
        assert "ids.json: the manifest says sha256" in refusal(artifact)


class TestArrays:
    def test_arrays_come_back_as_they_were(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", users=np.arange(6.0).reshape(2, 3), extra=[1])
        assert read_arrays(tmp_path / "a.npz", ["users"])["users"].tolist() == [[0, 1, 2], [3, 4, 5]]

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"cos\nsystem\n(S'true'\ntR."])
    def test_a_file_that_holds_none_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(ArtifactError, match=r"a\.npz: expected arrays users"):
            read_arrays(tmp_path / "a.npz", ["users"])

    def test_an_array_of_objects_which_would_be_a_pickle_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", users=np.array([{}], dtype=object))
        with pytest.raises(ArtifactError, match=r"a\.npz: expected arrays users"):
            read_arrays(tmp_path / "a.npz", ["users"])

    def test_the_content_is_named_by_values_type_shape_and_text(self) -> None:
        array = np.arange(6)
        others = (array, array + 1, array.astype(np.int32), array.reshape(2, 3))
        names = {content_sha256(other) for other in others} | {content_sha256(array, texts="x")}
        assert len(names) == 5
        assert content_sha256(array[::-1][::-1]) == content_sha256(array)


def test_a_text_that_cannot_be_written_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        write_whole(tmp_path / "nowhere" / "a", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        write_whole(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
