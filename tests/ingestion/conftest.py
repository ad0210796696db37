"""What the tests of sources share: one PostgreSQL and one S3 a session."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests import needs
from tests.cli.conftest import mlsd_lab  # noqa: F401  (a fixture)

if TYPE_CHECKING:
    from tests.postgres import Server
    from tests.s3 import Server as S3Server


@pytest.fixture(scope="session")
def postgres() -> Iterator["Server"]:
    needs.postgres()
    from tests.postgres import server

    # not under tmp_path: as root its parents are closed to the user that the server runs as
    with TemporaryDirectory(prefix="mlsd-lab-postgres-") as folder, server(Path(folder)) as running:
        yield running


@pytest.fixture(scope="session")
def s3() -> Iterator["S3Server"]:
    needs.s3()
    from tests.s3 import server

    with TemporaryDirectory(prefix="mlsd-lab-s3-") as folder, server(Path(folder)) as running:
        yield running
