"""What was measured last, a row a name, in mlsd_lab/course/measured.json."""

import json
from pathlib import Path
from typing import Any

import mlsd_lab.course
from benchmarks.row import Row, Say
from mlsd_lab import clock
from mlsd_lab.machine import machine, versions

FILE = Path(mlsd_lab.course.__file__).with_name("measured.json")  # where notebooks read it, from a wheel too
Result = dict[str, Any]


def stored(file: Path = FILE) -> list[Result]:
    """Return the stored rows, or none where nothing was measured yet."""
    rows: list[Result] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return rows


def measured(row: Row, small: bool, say: Say) -> Result:
    """Measure a row now and return it as it is stored: with target, date, machine, versions and its command."""
    found = {"peer": None, "ratio": None, "equal": None} | row.measure(small, say)
    judged = row.target.judge(found) if row.target else {"target": None, "met": None}
    about = {"name": row.name, "what": row.what, "command": f"python -m benchmarks run {row.name}"}
    date = clock.now().isoformat(timespec="seconds")
    return about | found | judged | {"date": date, "machine": machine(), "versions": versions()}


def store(result: Result, names: list[str], file: Path = FILE) -> None:
    """Put a result in the place of the last one of its name; rows stand in the order of `names`, others are dropped."""
    rows = {row["name"]: row for row in stored(file)} | {result["name"]: result}
    kept = [rows[name] for name in names if name in rows]
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(file)
