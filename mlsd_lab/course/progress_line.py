"""A line that says which stage runs, while a cell works for more than a moment."""

from collections.abc import Callable
from time import perf_counter
from typing import Any


def progress_line() -> Callable[[str, float], None]:
    """Show a line in the notebook and return what moves it on: a function of (stage, share done).

    All of it is live, so it stands between ⟨ ⟩.

    >>> callable(progress_line)
    True
    """
    from IPython.display import DisplayHandle

    line: Any = DisplayHandle()  # type: ignore[no-untyped-call]
    begin = perf_counter()
    line.display(_line("starting", 0.0, 0.0), raw=True)

    def move(stage: str, share: float) -> None:
        line.update(_line(stage, share, perf_counter() - begin), raw=True)

    return move


def _line(stage: str, share: float, seconds: float) -> dict[str, str]:
    text = f"{stage} · {share:.0%} · {seconds:.0f} s"
    return {"text/plain": f"⟨{text}⟩", "text/html": f'⟨<progress value="{share:.3f}"></progress> {text}⟩'}
