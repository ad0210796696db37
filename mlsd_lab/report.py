"""Writes what a run found: `report.json` for programs, `report.html` for people, in a folder that appears whole."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlsd_lab.artifacts import atomic_folder, require_free
from mlsd_lab.errors import StorageError
from mlsd_lab.evaluation.scoreboard import Scoreboard
from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.shape import SERVED
from mlsd_lab.plotting import style, svg
from mlsd_lab.serving import Bundle, ServedLog

if TYPE_CHECKING:
    import pandas as pd


def write_report(
    report: dict[str, Any],
    scoreboard: Scoreboard | None,
    out: Path | None = None,
    bundle: Bundle | None = None,
    served: "pd.DataFrame | None" = None,
) -> Path:
    """Write both files, the models as `bundle/` and the served log as `served/` into `out`, and return it.

    `out` must be empty or absent. Without it the folder is a fresh `runs/NNN`, and the link `runs/latest` then points
    to it. Raises `ConfigError` when `out` holds something and `StorageError` when it cannot be written; then nothing is
    left behind.

    >>> write_report({}, None, out=Path(__file__, "run"))
    Traceback (most recent call last):
    mlsd_lab.errors.StorageError: cannot write ...
    """
    target = out or _fresh(Path("runs"))
    with atomic_folder(target) as draft:
        text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
        (draft / "report.json").write_text(text + "\n", encoding="utf-8")
        (draft / "report.html").write_text(_html(report, scoreboard), encoding="utf-8")
        if bundle is not None:
            bundle.save(draft / "bundle")
        if served is not None:
            _put_served(served, draft)
    if out is None:
        _point(target.parent / "latest", target.name)
    return target


def _put_served(served: "pd.DataFrame", draft: Path) -> None:
    """Write the table elsewhere and move it: a lake accepts fewer names of folders than a report."""
    with TemporaryDirectory() as place:
        ServedLog(Lake(place)).append(served, FEED)
        shutil.move(Path(place, SERVED.name), draft / SERVED.name)


def check_out(out: Path | None) -> None:
    """Raise before a long run what `write_report` would raise after it about a folder that holds something.

    >>> check_out(None)
    """
    if out is not None:
        require_free(out)


def _fresh(runs: Path) -> Path:
    taken = [int(path.name) for path in runs.glob("[0-9]*") if path.name.isdecimal()] if runs.is_dir() else []
    return runs / f"{max(taken, default=0) + 1:03d}"


def _point(link: Path, name: str) -> None:
    draft = link.with_name(f".latest.{name}")
    try:
        draft.symlink_to(name)
        draft.replace(link)
    except OSError as error:
        draft.unlink(missing_ok=True)
        done = f"the report is in {link.with_name(name)}"
        raise StorageError(f"{done}, but {link} cannot point to it: {error.strerror or error}") from error


def _html(report: dict[str, Any], scoreboard: Scoreboard | None) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("mlsd_lab", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    plots = {} if scoreboard is None else _plots(scoreboard)
    safe = {name: Markup(drawing) for name, drawing in plots.items()}
    return environment.get_template("report.html").render(report=report, plots=safe)


def _plots(scoreboard: Scoreboard) -> dict[str, str]:
    from matplotlib.figure import Figure

    drawings = {}
    with style():
        for name, draw in (("recall", scoreboard.plot), ("growth", scoreboard.plot_growth)):
            figure = Figure()
            draw(figure.add_subplot())
            drawings[name] = svg(figure)
    return drawings
