"""The values measured by name in this process: what `say_it` fills in and `rehearse` holds a text against."""

from dataclasses import dataclass

from mlsd_lab.course.units import quantity

_named: dict[str, "Value"] = {}


@dataclass(frozen=True)
class Value:
    """A named value: live ones differ from run to run and are written between ⟨ ⟩, others are the same everywhere.

    >>> Value(0.0172, "s", live=True)
    ⟨17.2 ms⟩
    """

    value: float
    unit: str
    live: bool
    text: str = ""  # how it is written, where the value's own digits are not to be shown

    def __repr__(self) -> str:
        text = self.text or quantity(self.value, self.unit)
        return f"⟨{text}⟩" if self.live else text


def register(name: str, value: Value) -> None:
    """Keep a value under its name; a cell that runs again replaces what it measured before.

    >>> register("9.7", Value(3, "films", live=False))
    >>> named_values()["9.7"]
    3 films
    """
    _named[name] = value


def named_values() -> dict[str, Value]:
    """Return the values measured so far, by name.

    >>> register("9.6", Value(0.5, "", live=False))
    >>> "9.6" in named_values()
    True
    """
    return dict(_named)
