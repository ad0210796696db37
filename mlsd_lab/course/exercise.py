"""An exercise: what is asked, what is right, what is wrong and why; one file each in `exercises/`."""

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlsd_lab.errors import ConfigError

Case = dict[str, Any]  # the arguments by name, in their order


def _called_once(function: Callable[..., Any], case: Case) -> Any:
    return function(*case.values())


@dataclass(frozen=True)
class Exercise:
    """All there is to one exercise; sources are Python text that may use `np`.

    >>> exercise("0.1").title
    'Only gems'
    """

    key: str
    title: str
    name: str  # of the function that the learner writes
    statement: str  # Markdown
    starter: str
    hint: str
    solution: str
    another: str  # a right answer in another style
    wrong: tuple[tuple[str, str], ...]  # a wrong answer, and what its sentence must contain
    thought: str  # what to think about next, once it is solved
    cases: Callable[[], Iterator[Case]]  # seeded and many, the smallest first
    judge: Callable[[Case, Any], str]  # what is wrong with an answer to a case; nothing where it is right
    shown: Callable[[Case], str]  # a case as the learner reads it
    patience: float = 1.0  # times the usual limit, where rows are many
    run: Callable[[Callable[..., Any], Case], Any] = _called_once  # what is judged of an answer to a case

    @property
    def markdown(self) -> str:
        """The statement with the hint and a solution folded below it.

        >>> "<summary>Hint</summary>" in exercise("0.1").markdown
        True
        """
        solution = f"```python\n{self.solution.strip()}\n```"
        parts = (f"### Exercise {self.key}: {self.title}", self.statement.strip(), _folded("Hint", self.hint.strip()))
        return "\n\n".join((*parts, _folded("A solution", solution)))

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return f"Exercise {self.key}: {self.title}"

    def function(self, source: str) -> Callable[..., Any]:
        """Return the function that a source of this exercise defines.

        >>> exercise("0.3").function("def candidates(*_): return 7")()
        7
        """
        import numpy as np

        scope: dict[str, Any] = {"np": np}
        exec(source, scope)
        function: Callable[..., Any] = scope[self.name]
        return function


def exercise(key: str) -> Exercise:
    """Return the exercise `key`; displayed, it is the statement with folded hint and solution.

    >>> exercise("0.1")
    Exercise 0.1: Only gems
    """
    if not re.fullmatch(r"\d{1,2}\.\d", key):
        raise ConfigError(f'expected the number of an exercise, such as "0.1", found {key!r}')
    try:
        module = importlib.import_module(f"mlsd_lab.course.exercises.ex_{key.replace('.', '_')}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"expected the number of an exercise, found {key!r}: there is none of that number") from error
    found: Exercise = module.EXERCISE
    return found


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
