"""The same questions on another prompt: folded answers to hold one's own against."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mlsd_lab.framing import Brief
from mlsd_lab.framing.metric_tree import metric_tree

PROMPTS = ("ad-clicks", "event-recommendation", "harmful-content", "similar-listings")


@dataclass(frozen=True)
class Transfer:
    """Prompts, each with the answers to the clarifying questions and its metric tree folded below it.

    >>> Transfer(("ad-clicks",))
    the same questions for: ad-clicks
    """

    prompts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"the same questions for: {', '.join(self.prompts)}"

    def _repr_html_(self) -> str:
        return "".join(map(_card, self.prompts))


def transfer(prompts: Sequence[str] = PROMPTS) -> Transfer:
    """Return the cards of other prompts, by the names of their briefs.

    >>> transfer(["harmful-content"])._repr_html_().count("<details>")
    2
    """
    return Transfer(tuple(prompts))


def _card(name: str) -> str:
    tree = f"<details><summary>A metric tree</summary><pre>{escape(repr(metric_tree(name)))}</pre></details>"
    return f"{Brief.load(name)._repr_html_()}{tree}"
