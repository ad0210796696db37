"""The rules of the house (docs/architecture.md), held by tests."""

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mlsd_lab"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = [path for path in SOURCES if not path.name.startswith("__")]
CLI = PACKAGE / "cli"
CONSOLE = CLI / "console.py"
COMMANDS = [path for path in MODULES if path.parent == CLI and path not in (CONSOLE, CLI / "app.py")]
CONDA_NAMES = {"annoy": "python-annoy", "matplotlib": "matplotlib-base", "tzdata": "python-tzdata"}
CONDA_NAMES |= {"pandera": "pandera-pandas", "duckdb": "python-duckdb"}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of each call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_each_module_has_a_test_file_in_the_mirror(path: Path) -> None:
    inside = path.relative_to(PACKAGE)
    assert (ROOT / "tests" / inside.parent / f"test_{inside.name}").is_file()


@pytest.mark.parametrize("path", [path for path in MODULES if path not in COMMANDS], ids=dotted)
def test_each_public_name_has_a_docstring_with_an_example(path: Path) -> None:
    module = importlib.import_module(dotted(path))
    for name, thing in vars(module).items():
        ours = getattr(thing, "__module__", None) == module.__name__
        if not name.startswith("_") and ours and (inspect.isclass(thing) or inspect.isfunction(thing)):
            documented = inspect.cleandoc(thing.__doc__ or "")
            examples = [documented] + [inspect.getdoc(member) or "" for _, member in inspect.getmembers(thing)]
            assert documented, f"{name} has no docstring"
            assert any(">>>" in text for text in examples), f"{name} has no example"


@pytest.mark.parametrize("path", SOURCES, ids=dotted)
def test_only_the_console_of_the_command_line_prints(path: Path) -> None:
    printing = re.compile(r"(^|\.)(print|Console|pprint|s?echo)$|^sys\.std(out|err)\.write$")
    found = [(line, name) for line, name in calls(path) if printing.search(name)]
    assert path == CONSOLE or not found


@pytest.mark.parametrize("path", SOURCES, ids=dotted)
def test_only_the_clock_reads_the_wall_clock(path: Path) -> None:
    clock = re.compile(r"(^|\.)(now|utcnow|today|time_ns|localtime|gmtime)$|^time\.time$|^time$")
    found = [(line, name) for line, name in calls(path) if clock.search(name) and name != "clock.now"]
    assert path.name == "clock.py" or not found


@pytest.mark.parametrize("path", SOURCES, ids=dotted)
def test_no_pickle_is_loaded_but_the_one_whose_checksum_is_verified(path: Path) -> None:
    pickles = re.compile(r"(^|\.)(read_pickle|load_pickle|Unpickler)$|^(pickle|joblib|dill|cloudpickle)\.")
    found = [name for _, name in calls(path) if pickles.search(name)]
    assert found == (["pd.read_pickle"] if path.name == "movielens.py" else [])


@pytest.mark.parametrize("path", SOURCES, ids=dotted)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 230
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            assert lines <= 55, f"{node.name} has {lines} lines"


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = "import sys, mlsd_lab; print(sorted(m.partition('.')[0] for m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "pandas", "scipy", "sklearn", "matplotlib", "implicit", "annoy"} & set(
        ast.literal_eval(loaded)
    )


def test_importing_any_module_writes_nothing_and_starts_nothing(tmp_path: Path) -> None:
    code = """
import importlib, sys, threading
import numpy, pandas, scipy.sparse, typer  # what a module may need: their own imports are not ours to judge
seen = []
def watch(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"writes {args[0]}")
    if event.startswith(("socket.", "subprocess.", "os.mkdir")):
        seen.append(event)
before = threading.active_count()
sys.dont_write_bytecode = True
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(seen + ["a thread"] * (threading.active_count() - before))
"""
    names = [dotted(path) for path in MODULES]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_a_module_imports_only_from_lines_above_its_own() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_conda_and_pip_install_the_same_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["course"]
    wanted = {Requirement(line).name: Requirement(line).specifier for line in lines}
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pip = next(line for line in conda if isinstance(line, dict))["pip"]
    ours = {python_name(line.split()[0]): line.partition(" ")[2] for line in conda if isinstance(line, str)}
    ours |= {Requirement(line).name: str(Requirement(line).specifier) for line in pip if not line.startswith("--")}
    assert ours.pop("python") == project["requires-python"]
    assert ours.pop("pip") == ""
    assert {name: Requirement(f"x{ranges}").specifier for name, ranges in ours.items()} == wanted


def python_name(conda_name: str) -> str:
    return {conda: name for name, conda in CONDA_NAMES.items()}.get(conda_name, conda_name)


def test_the_lock_has_every_dependency_with_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ \\;]+)", lock, re.MULTILINE))
    for line in project["dependencies"] + [x for extra in project["optional-dependencies"].values() for x in extra]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[requirement.name]), line
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_no_data_is_tracked() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(["git", "ls-files", "data", "runs"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert tracked.stdout.split() == ["data/README.md"]


def test_a_bare_make_lists_what_can_be_typed() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^  make (\w+) +(\S.*)$", done.stdout, re.MULTILINE))
    assert {"run", "test", "check", "clean"} <= set(listed)


def test_make_says_what_is_missing_where_there_is_no_compiler(tmp_path: Path) -> None:
    for tool in ("sh", "bash", "awk", "make"):
        found = shutil.which(tool)
        if found:
            (tmp_path / tool).symlink_to(found)
    (tmp_path / "python3").symlink_to(sys.executable)
    said = make_set_up(tmp_path, "python3")
    assert "needs a C++ compiler" in said
    assert "apt-get install g++" in said


def test_make_says_what_is_missing_where_python_is_old(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 && exit 0\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    assert "needs Python 3.11 or newer" in make_set_up(tmp_path, str(old))
    assert "was not found" in make_set_up(tmp_path, "no-such-python")


def make_set_up(place: Path, python: str) -> str:
    """Run the set-up with `place` first (or alone) on the path; return what it says before it stops."""
    path = str(place) if (place / "make").exists() else os.environ["PATH"]
    venv = place / "venv"
    command = [shutil.which("make") or "make", f"{venv}/ready", f"VENV={venv}", f"PYTHON={python}"]
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert not venv.exists()
    return done.stdout
