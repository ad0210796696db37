"""The 90-second answer of a notebook, with the numbers just measured filled in."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlsd_lab.course.values import named_values
from mlsd_lab.errors import ConfigError

_ANSWERS = Path(__file__).parent / "answers"
_NAME = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Answer:
    """A text in Markdown: live numbers in it stand between ⟨ ⟩.

    >>> Answer("I would retrieve 500 videos in ⟨1.2 ms⟩.")
    I would retrieve 500 videos in ⟨1.2 ms⟩.
    """

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def say_it(notebook: str) -> Answer:
    """Return the answer of a notebook; raises `ConfigError` naming the values that no cell has measured yet.

    >>> say_it("99")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a notebook that has an answer, found '99'
    """
    path = _ANSWERS / f"{notebook}.md"
    if not path.is_file():
        raise ConfigError(f"expected a notebook that has an answer, found {notebook!r}")
    template, values = path.read_text(encoding="utf-8"), named_values()
    missing = [name for name in dict.fromkeys(_NAME.findall(template)) if name not in values]
    if missing:
        raise ConfigError(
            f"{notebook}: expected values named {', '.join(missing)}, found none; run the cells above. "
            "If they ran, your copy is older than the package: mlsd-lab lab brings the new edition"
        )
    return Answer(_NAME.sub(lambda found: repr(values[found[1]]), template).strip())
