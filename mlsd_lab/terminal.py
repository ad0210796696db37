"""A report, or a whiteboard, as a terminal shows it: tables and sentences, made here, printed by the command line."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table

    from mlsd_lab.framing import Brief, Capacity


def shown(report: dict[str, Any]) -> Iterator["Table | str"]:
    """Yield what a run found, in the order in which a person wants to know it; strings are rich markup.

    >>> data = {"title": "A log", "events": 3, "users": 1, "videos": 3, "from": "2026-01-01", "until": "2026-01-02"}
    >>> data["relevant"], split = "clicked is true", {"kind": "by_day", "time": "nothing later is in training"}
    >>> retrieval = {"recall": None, "reason": "nobody came back"}
    >>> nothing = {"ranking": None, "reason": "no ranker", "recommendations": []}
    >>> list(shown({"data": data, "split": split, "retrieval": retrieval, **nothing}))
    ['[bold]A log[/]', '3 events, 1 people, 3 videos, 2026-01-01 to 2026-01-02',
     'relevant: clicked is true; test: by_day, where nothing later is in training',
     'recall cannot be measured: nobody came back', '· no ranker']
    """
    data = report["data"]
    yield f"[bold]{escaped(data['title'])}[/]"
    counts = f"{data['events']:,} events, {data['users']:,} people, {data['videos']:,} videos"
    yield f"{counts}, {data['from']} to {data['until']}"
    if "ingest" in report:
        taken = {key: f"{report['ingest'][key]:,}" for key in ("read", "kept", "duplicates", "dead")}
        yield "click log: {read} read, {kept} kept, {duplicates} copies, {dead} refused".format(**taken)
    yield f"relevant: {data['relevant']}; test: {report['split']['kind']}, where {report['split']['time']}"
    yield from _first_stage(report)
    yield from _second_stage(report)
    for person in report["recommendations"]:
        table = plain_table(f"person {person['user_id']} liked last", "would be shown")
        liked, found = person["liked_last"], person["recommended"]
        for row in range(max(len(liked), len(found))):
            table.add_row(*(escaped(side[row]) if row < len(side) else "" for side in (liked, found)))
        yield table


def whiteboard(brief: "Brief", capacity: "Capacity") -> Iterator["Table | str"]:
    """Yield a brief with its questions, then each quantity that follows from it: formula, numbers, result.

    >>> from mlsd_lab.framing import Brief, size
    >>> feed = Brief.load("video-feed")
    >>> next(whiteboard(feed, size(feed)))
    '[bold]video-feed[/]\\nOur video service has a home page: design what decides which videos each person sees there.'
    """
    from mlsd_lab.framing.capacity import FORMULAS, UNITS

    yield f"[bold]{escaped(brief.name)}[/]\n{escaped(brief.prompt)}"
    table, numbers = plain_table("field", "answer", "question"), brief.quantities()
    for question, answer, field in brief.questions():
        if field in numbers:
            table.add_row(field, answer, question)
    yield table
    yield "personal_data" + "".join(f"\n  · {escaped(rule)}" for rule in brief.personal_data or ["no rules"])
    yield f"\n{UNITS}"
    for name, _, _, meaning in FORMULAS:
        title, *steps, result = (line.removeprefix("= ") for line in capacity[name].lines)
        yield ""
        yield _grid((f"[bold]{title}[/]", f"[dim]{meaning}[/]"))
        yield _grid(*(("  =", step) for step in (*steps, f"[bold]{result}[/]")))
    yield ""


def plain_table(*columns: str, right: Literal["left", "right"] = "left") -> "Table":
    """Return an empty table; all columns but the first are aligned to the side `right` names.

    >>> plain_table("system", "recall").columns[1].header
    'recall'
    """
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(escaped(column), justify=right if at else "left", overflow="fold")
    return table


def escaped(text: str) -> str:
    """Return text of data as markup that shows it as it is.

    >>> escaped("[/b]")
    '\\\\[/b]'
    """
    from rich.markup import escape

    return escape(text)


def _grid(*rows: tuple[str, str]) -> "Table":
    """Return pairs side by side, the right ones wrapped in their column."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    for _ in range(2):
        grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _first_stage(report: dict[str, Any]) -> Iterator["Table | str"]:
    retrieval = report["retrieval"]
    if retrieval["recall"] is None:
        yield f"recall cannot be measured: {retrieval['reason']}"
        return
    if "sample" in retrieval:
        yield f"· {retrieval['sample']}"
    table = plain_table("system", f"recall@{retrieval['k']}", "95 % interval", "coverage", "time", right="right")
    for name, recall in retrieval["recall"].items():
        low, high = retrieval["interval"][name]
        coverage = retrieval["metrics"][name]["coverage"]["value"]
        seconds = report["timings"][f"retrieve_{name}_seconds"]
        table.add_row(name, f"{recall:.4f}", f"{low:.4f} – {high:.4f}", f"{coverage:.1%}", f"{seconds:.2f} s")
    yield table
    yield f"· {_search_pays(report)}"
    yield from (f"· {sentence}" for sentence in retrieval["verdict"])


def _search_pays(report: dict[str, Any]) -> str:
    """Say whether the index was worth it at this size: an exact search of a small catalogue is often faster."""
    exact, annoy = (report["timings"][f"retrieve_als_{name}_seconds"] for name in ("exact", "annoy"))
    kept = report["retrieval"]["recall"]["als_annoy"] / max(report["retrieval"]["recall"]["als_exact"], 1e-9)
    ratio = f"{exact / annoy:.1f} × faster" if annoy < exact else f"{annoy / exact:.1f} × slower"
    advice = "" if annoy < exact else f"; at {report['data']['videos']:,} videos exact search is the better choice"
    return f"Annoy keeps {kept:.1%} of exact search's recall and is {ratio}{advice}"


def _second_stage(report: dict[str, Any]) -> Iterator["Table | str"]:
    if report["ranking"] is None:
        yield f"· {escaped(report['reason'])}"
        return
    ranking, serving, skew = (report[key] for key in ("ranking", "serving", "skew"))
    metrics = ("auc", "gauc", "ndcg_at_10", "log_loss")
    table = plain_table("ranker", "AUC", "grouped AUC", "NDCG@10", "log loss", right="right")
    for name, score in {"boosted_trees": ranking, **ranking["beside"]}.items():
        table.add_row(name, *("–" if score[metric] is None else f"{score[metric]:.4f}" for metric in metrics))
    yield table
    if "sample" in ranking:
        yield f"· {ranking['sample']}"
    yield from (f"· {sentence}" for sentence in ranking["verdict"])
    times = f"half within {serving['p50_ms']:.1f} ms, 99 % within {serving['p99_ms']:.1f} ms"
    yield f"· {serving['requests']} requests served: {times}, {serving['degraded']} degraded"
    same = f"{skew['compared']:,} served feature values, {skew['mismatched']:,} differ from training's"
    yield f"· {same}, {skew['stale']:,} were stale"
