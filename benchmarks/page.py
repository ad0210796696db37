"""docs/performance.md and docs/growth.svg, made from the stored results and from nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT
from benchmarks.rows.growth import LEAST
from benchmarks.stages import STAGES
from mlsd_lab.plotting import style, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, DRAWING = ROOT / "docs/performance.md", ROOT / "docs/growth.svg"
Result = dict[str, Any]

HEAD = """# Performance

Made by `make bench` from `mlsd_lab/course/measured.json`; edit neither by hand. Each number is the median of some
repetitions, with the lowest and highest. Ours and the peer work by turns, in processes of their own, on the same input,
and a row counts only when their outputs are equal. *Ratio* is the peer's median by ours: above 1 ours is faster. A row
without a target has no verdict. Seconds differ from machine to machine, ratios and slopes less so.
"""


def write(results: list[Result], page: Path = PAGE, drawing: Path = DRAWING) -> None:
    """Write the page, and the drawing where growth was measured."""
    page.write_text(text(results), encoding="utf-8")
    growth = next((row for row in results if "stages" in row), None)
    if growth:
        drawing.write_text(svg(figure(growth)) + "\n", encoding="utf-8")


def text(results: list[Result]) -> str:
    """Return the page: a table of the rows, what each one is, and a table of growth."""
    plain = [row for row in results if "stages" not in row]
    parts = [HEAD, table(ROW, [line(row) for row in plain]), "## What the rows are\n"]
    parts += [each for row in results for each in (about(row), *cases(row))]
    parts += [growth_part(row) for row in results if "stages" in row]
    return "\n".join(parts)


ROW = ("row", "size", "ours, s", "peer", "peer, s", "ratio", "target", "verdict", "peak GB")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def line(row: Result) -> tuple[str, ...]:
    """Return a row's cells."""
    peer = row["peer"]
    return (
        row["name"],
        sized(row["size"]),
        seconds(row["ours"]),
        f"{peer['name']} {peer['versions'].get(peer['name'], '')}".strip().replace("_", " ") if peer else "",
        seconds(peer["seconds"]) if peer else "",
        f"{row['ratio']:.3g} ×" if row["ratio"] else "",
        row["target"] or "",
        verdict(row["met"]),
        f"{row['ours']['peak_memory_gb']:.2f}",
    )


def about(row: Result) -> str:
    """Return a row's paragraph: what, how equal, when, where, with which versions, and the command."""
    machine, peer = row["machine"], row["peer"]
    where = f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']} {machine['architecture']}"
    versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
    theirs = ", ".join(f"{name} {version}" for name, version in peer["versions"].items()) if peer else ""
    parts = [
        f"**{row['name']}**: {row['what']}",
        f"Outputs: {row['equal']}." if row["equal"] else "",
        f"{row['date'][:10]}, {where}; {versions}{f'; the peer with {theirs}' if theirs else ''}.",
        f"Again: `{row['command']}`\n",
    ]
    return " ".join(part for part in parts if part)


def cases(row: Result) -> list[str]:
    """Return the table of a row that has several parts; for the others, nothing."""
    if not (parts := row.get("parts")):
        return []
    head = tuple(name.replace("_", " ") for name in parts[0])
    return [table(head, [tuple(map(cell, part.values())) for part in parts])]


def cell(value: float | str | None) -> str:
    """Return a number with commas where it is whole or large, else with three digits; a text, or nothing for None."""
    if value is None or isinstance(value, str):
        return (value or "").replace("_", " ")
    return f"{value:,.0f}" if isinstance(value, int) or value >= 1000 else f"{value:.3g}"


def growth_part(row: Result) -> str:
    """Return the section on growth: drawing, table, verdict."""
    cells: list[tuple[str, ...]] = []
    for name, stage in row["stages"].items():
        at = f"{stage['seconds'][-1]:.3g} s at {stage['events'][-1]:,}" if stage["events"] else ""
        fitted = f"{stage['fitted'][0]:,} to {stage['fitted'][1]:,}" if stage["fitted"] else "too quick at most sizes"
        slopes = ["" if stage[each] is None else f"{stage[each]:.2f}" for each in ("slope", "slope_of_last_tenfold")]
        cells.append((STAGES[name], at, *slopes, fitted, verdict(stage["met"]), stage["note"] or ""))
    head = ("stage", "largest size", "slope", "of the last tenfold", "fitted over events", row["target"], "note")
    drawn = "![Seconds of each stage by the number of events, both on log axes](growth.svg)"
    verdicts = f"The log: {row['size']['log']}. All slopes {row['target']}: {verdict(row['met'])}."
    return "\n\n".join(["## Growth", drawn, verdicts, table(head, cells)])


def figure(row: Result) -> "Figure":
    """Draw seconds by events, a line a stage, with the slope of 1 for the eye."""
    from matplotlib.figure import Figure

    with style():
        drawn = Figure(figsize=(7.0, 5.2))
        ax = drawn.add_subplot()
        for at, (name, stage) in enumerate(row["stages"].items()):
            dashes, mark = ("-", "--")[at // 5 % 2], "osv^D"[at % 5]
            slope = "" if stage["slope"] is None else f" ({stage['slope']:.2f})"
            ax.plot(stage["events"], stage["seconds"], dashes, marker=mark, markersize=4, label=name + slope)
        ends = [1e4, row["size"]["events"]]
        ax.plot(ends, [1e-5 * each for each in ends], ":", color="#777777", label="slope 1")
        ax.axhline(LEAST, color="#777777", linewidth=0.6)
        ax.set(xscale="log", yscale="log", xlabel="events in the log", ylabel="seconds (fitted above the line)")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="stage (slope)")
    return drawn


def sized(size: dict[str, Any]) -> str:
    """Return a size in words."""
    return ", ".join(f"{value:,} {name}" if isinstance(value, int) else str(value) for name, value in size.items())


def seconds(spread: dict[str, float]) -> str:
    """Return the median, with lowest and highest."""
    return f"**{spread['median']:.3g}** ({spread['min']:.3g}–{spread['max']:.3g})"


def verdict(met: bool | None) -> str:
    """Return met, not met, or nothing where there is no target."""
    return "" if met is None else "met" if met else "**not met**"
