import gzip
import io
import random
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlsd_lab.artifacts import sha256
from mlsd_lab.datasets import kuairand
from mlsd_lab.datasets.fetch import fetch_kuairand
from mlsd_lab.errors import ConfigError, DataError, StorageError

FILES = ("user_features_pure.csv", "video_features_basic_pure.csv", kuairand.LOGS[1])
CONTENT = random.Random(0).randbytes(300_000)  # does not shrink: the archive is longer than one packet


def archive(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return buffer.getvalue()


GOOD = archive({f"KuaiRand-Pure/data/{name}": name.encode() + CONTENT for name in FILES})


class Server(ThreadingHTTPServer):
    """Serves `body` on the loopback; can cut the first connections, ignore Range, answer an error, and remembers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = GOOD
        self.cuts: list[int] = []  # of each answer in turn: after so many bytes the connection ends
        self.ranges_work = True
        self.status = 200
        self.asked: list[str | None] = []
        self.sent: list[tuple[int, int]] = []  # first and last + 1 of the bytes of each answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/KuaiRand-Pure.tar.gz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, body = self.server, self.server.body
        asked = self.headers.get("Range")
        server.asked.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges_work else 0
        if first >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first and server.status == 200 else server.status)
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        last = min(len(body), first + server.cuts.pop(0)) if server.cuts else len(body)
        server.sent.append((first, last))  # before the client can have them all and look
        self.wfile.write(body[first:last])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kuairand"


def beside(into: Path) -> set[str]:
    """Return the names of what lies in the folder above."""
    return {path.name for path in into.parent.iterdir()} if into.parent.exists() else set()


def refusal(server: Server, into: Path) -> str:
    with pytest.raises(DataError) as refused:
        fetch_kuairand(into, server.url)
    return str(refused.value)


def assert_complete(into: Path) -> None:
    assert {path.name: path.read_bytes() for path in into.iterdir()} == {n: n.encode() + CONTENT for n in FILES}
    assert beside(into) == {"kuairand", "kuairand.sha256"}


def test_a_whole_download_is_unpacked_and_its_checksum_recorded(server: Server, into: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    assert fetch_kuairand(into, server.url, lambda stage, share: heard.append((stage, share))) == into
    assert_complete(into)
    (tmp_path / "copy").write_bytes(GOOD)
    assert (into.parent / "kuairand.sha256").read_text(encoding="utf-8").strip() == sha256(tmp_path / "copy")
    assert server.asked == [None]
    shares = [share for stage, share in heard if stage == "download"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert heard[-1] == ("unpack", 1.0)


def test_a_cut_connection_is_continued_where_it_stopped(server: Server, into: Path) -> None:
    server.cuts = [100_000, 250_000]
    fetch_kuairand(into, server.url)
    assert_complete(into)
    assert server.asked == [None, "bytes=100000-", "bytes=350000-"]
    assert server.sent == [(0, 100_000), (100_000, 350_000), (350_000, len(GOOD))]


def test_the_next_call_continues_where_the_last_one_gave_up(server: Server, into: Path) -> None:
    server.cuts = [100_000, 100_000, 100_000]
    assert "it goes on where it stopped" in refusal(server, into)
    assert (into.parent / "kuairand.tar.gz.part").stat().st_size == 300_000
    assert not into.exists()
    fetch_kuairand(into, server.url)
    assert_complete(into)
    assert server.asked[-1] == "bytes=300000-"
    assert sum(last - first for first, last in server.sent) == len(GOOD)


def test_a_server_that_ignores_ranges_sends_all_of_it_again(server: Server, into: Path) -> None:
    server.cuts, server.ranges_work = [100_000], False
    fetch_kuairand(into, server.url)
    assert_complete(into)
    assert server.sent == [(0, 100_000), (0, len(GOOD))]


def test_a_part_that_is_whole_already_is_not_fetched_again(server: Server, into: Path) -> None:
    into.parent.mkdir()
    (into.parent / "kuairand.tar.gz.part").write_bytes(GOOD)
    fetch_kuairand(into, server.url)
    assert_complete(into)
    assert server.sent == []


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, into: Path) -> None:
    into.parent.mkdir()
    (into.parent / "kuairand.tar.gz.part").write_bytes(GOOD + b"more")
    fetch_kuairand(into, server.url)
    assert_complete(into)


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_an_error_of_the_server_is_named_and_leaves_nothing(server: Server, into: Path, status: int) -> None:
    server.status = status
    assert refusal(server, into).endswith(f"the server answered {status}")
    assert beside(into) == set()


def test_a_server_that_redirects_in_a_circle_is_given_up(into: Path) -> None:
    class Circle(Handler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/again")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with Server() as server:
        server.RequestHandlerClass = Circle
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert "cannot download" in refusal(server, into)
        finally:
            server.shutdown()
            thread.join()


def test_without_a_network_the_error_says_what_to_do(into: Path) -> None:
    with Server() as closed:
        url = closed.url
    with pytest.raises(DataError, match=r"cannot download http://127.0.0.1:\d+/.*Or name a folder .* with --path"):
        fetch_kuairand(into, url)
    assert beside(into) == set()


FLIPPED = bytes(byte ^ 0xFF if 200_000 <= at < 200_010 else byte for at, byte in enumerate(GOOD))
WRONG_SUM = GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>please log in</html>",
        GOOD[: len(GOOD) // 2],
        FLIPPED,
        WRONG_SUM,
        gzip.compress(b"not a tar" * 1000),
        archive({"README.md": b"no log here"}),
    ],
    ids=["a page", "half of it", "flipped bytes", "a wrong sum", "no tar", "no log inside"],
)
def test_a_corrupted_archive_is_refused_and_the_next_fetch_starts_clean(
    server: Server, into: Path, body: bytes
) -> None:
    server.body = body
    assert "cannot be unpacked" in refusal(server, into)
    assert beside(into) == set()
    server.body = GOOD
    fetch_kuairand(into, server.url)
    assert_complete(into)


def test_a_download_that_differs_from_the_first_is_refused_with_both_checksums(
    server: Server, into: Path, tmp_path: Path
) -> None:
    fetch_kuairand(into, server.url)
    server.body = archive({f"data/{name}": b"other" for name in FILES})
    sentence = refusal(server, emptied(into))
    (tmp_path / "copy").write_bytes(server.body)
    assert sha256(tmp_path / "copy") in sentence
    assert (into.parent / "kuairand.sha256").read_text(encoding="utf-8").strip() in sentence
    assert beside(into) == {"kuairand.sha256"}
    server.body = GOOD
    fetch_kuairand(into, server.url)
    assert_complete(into)


def emptied(folder: Path) -> Path:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return folder


def test_an_empty_record_of_a_checksum_counts_as_none(server: Server, into: Path) -> None:
    into.parent.mkdir()
    (into.parent / "kuairand.sha256").touch()
    fetch_kuairand(into, server.url)
    assert_complete(into)


def test_no_member_of_an_archive_is_written_outside_the_folder(server: Server, into: Path, tmp_path: Path) -> None:
    evil = {f"../../{kuairand.LOGS[0]}": b"evil", "../evil": b"evil", f"{tmp_path}/evil.csv": b"evil"}
    links = {"user_features_pure.csv": "/etc/passwd", "link": "../.."}
    server.body = archive({f"data/{kuairand.LOGS[1]}": b"good", **evil}, links)
    fetch_kuairand(into, server.url)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    inside = {f"data/kuairand/{name}" for name in kuairand.LOGS[:2]}
    assert files == inside | {"data/kuairand.sha256"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_folder_that_holds_something_is_left_alone(server: Server, into: Path) -> None:
    into.mkdir(parents=True)
    (into / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="already holds something"):
        fetch_kuairand(into, server.url)
    assert server.asked == []
    assert [path.name for path in into.iterdir()] == ["mine.txt"]


def test_a_file_in_place_of_the_folder_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="already holds something"):
        fetch_kuairand(tmp_path / "file", server.url)


def test_an_empty_folder_is_filled(server: Server, into: Path) -> None:
    into.mkdir(parents=True)
    fetch_kuairand(into, server.url)
    assert_complete(into)


def test_a_place_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write .*kuairand\.tar\.gz\.part"):
        fetch_kuairand(tmp_path / "file" / "kuairand", server.url)
