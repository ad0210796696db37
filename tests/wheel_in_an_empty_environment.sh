#!/usr/bin/env bash
# Builds the wheel, installs it with its base dependencies alone into an empty environment, runs the doctests there.
set -euo pipefail
cd "$(dirname "$0")/.."
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$place" .
"${PYTHON:-python3}" -m venv "$place/venv"
ANNOY_COMPILER_ARGS=-O3,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14 \
  "$place/venv/bin/python" -m pip install --quiet --no-cache-dir "$place"/*.whl pytest
cd "$place"
mkdir elsewhere && cd elsewhere
"$place/venv/bin/mlsd-lab" --help >/dev/null
"$place/venv/bin/mlsd-lab" lab --no-open --folder "$place/my_course"
test -f "$place/my_course/00_start_here.ipynb"
"$place/venv/bin/python" -m pytest -q -p no:cacheprovider -o doctest_optionflags="NORMALIZE_WHITESPACE ELLIPSIS" \
  --doctest-modules --pyargs mlsd_lab
