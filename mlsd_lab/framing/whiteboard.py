"""A formula worked line by line, as on a whiteboard: in names, in numbers, and its result."""

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.quantity import Quantity

_SIGNS = {"*": "×", "/": "÷", "+": "+", "-": "−"}
_TOKEN = re.compile(r"(?P<number>\d[\d_.]*(?:[eE][-+]?\d+)?)|(?P<name>[^\W\d]\w*)|\s*(?P<sign>[*/+-])\s*")


@dataclass(frozen=True, repr=False)
class Derived:
    """A quantity and how it came about; `lines` are its name, the formula, the numbers in it, and the result.

    >>> known = {"requests_per_second_mean": Quantity.of(3e9, "requests/day"), "peak_factor": Quantity.of(3)}
    >>> derived = derive("requests_per_second_peak", "requests_per_second_mean * peak_factor", "requests/s", known)
    >>> derived.value
    104166.66666666667
    """

    name: str
    quantity: Quantity
    unit: str
    lines: tuple[str, ...]

    @property
    def value(self) -> int | float:
        """The number of `unit`: an int where it is whole.

        >>> derive("half", "2 * 0.25", "", {}).value, derive("four", "2 * 2", "", {}).value
        (0.5, 4)
        """
        exact = self.quantity.to(self.unit)
        if abs(exact) > sys.float_info.max:
            raise ConfigError(f"{self.name}: expected a number below 1.8e308, found one of more digits")
        return exact.numerator if exact.denominator == 1 else float(exact)

    @property
    def derivation(self) -> str:
        """The lines as one text.

        >>> derive("pages", "views / 2", "views", {"views": Quantity.of(3, "views")}).derivation
        'pages\\n= views ÷ 2\\n= 3 views ÷ 2\\n= 1.5 views'
        """
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return self.derivation


def derive(name: str, formula: str, unit: str, known: Mapping[str, Quantity]) -> Derived:
    """Work out a formula over known names and numbers with * / + - ( ) and ceil, and show it in `unit`.

    `ceil` is of a count (machines, machines/region), never of a time or of bytes, where whole depends on the unit.
    Raises `ConfigError` for anything else in the formula, and where units do not fit.

    >>> derive("requests_per_day", "users * 2", "requests/day", {"users": Quantity.of(5, "users")})
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: requests_per_day = users * 2: expected an amount in requests/day, found 10 users: ...
    >>> derive("machines", "ceil(load / 0.6)", "machines", {"load": Quantity.of(1.5, "machines")})
    machines
    = ceil(load ÷ 0.6)
    = ceil(1.5 machines ÷ 0.6)
    = 3 machines
    """
    try:
        quantity = _worked(_parsed(formula), known)
        quantity = Quantity.of(quantity.to(unit), unit)
    except ConfigError as error:
        raise ConfigError(f"{name} = {formula}: {error}") from None
    in_names = _written(formula, {})
    in_numbers = _written(formula, {key: amount.text() for key, amount in known.items()})
    return Derived(name, quantity, unit, (name, f"= {in_names}", f"= {in_numbers}", f"= {quantity.text()}"))


def _parsed(formula: str) -> ast.expr:
    try:
        if re.fullmatch(r"[\w .*/+()-]+", formula):
            return ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    raise ConfigError("expected names and numbers joined by * / + - ( ) and ceil")


def _worked(node: ast.expr, known: Mapping[str, Quantity]) -> Quantity:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Quantity.of(number)
        case ast.Name(id=name):
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
                raise ConfigError(f"expected a known name, found {name}: {hint}")
            return known[name]
        case ast.BinOp(left, ast.Mult(), right):
            return _worked(left, known) * _worked(right, known)
        case ast.BinOp(left, ast.Div(), right):
            return _worked(left, known) / _worked(right, known)
        case ast.BinOp(left, ast.Add(), right):
            return _worked(left, known) + _worked(right, known)
        case ast.BinOp(left, ast.Sub(), right):
            return _worked(left, known) - _worked(right, known)
        case ast.Call(func=ast.Name(id="ceil"), args=[inner], keywords=[]):
            return _whole(_worked(inner, known))
    raise ConfigError(f"expected names and numbers joined by * / + - ( ) and ceil, found {ast.unparse(node)}")


def _whole(amount: Quantity) -> Quantity:
    if {"s", "byte"} & set(re.split("[·/]", amount.base_unit)):
        raise ConfigError(f"expected ceil of a count, found {amount}: divide it by a time or a size first")
    return Quantity.of(amount.ceil(amount.base_unit), amount.base_unit)


def _written(formula: str, shown: Mapping[str, str]) -> str:
    def word(found: re.Match[str]) -> str:
        if found["sign"]:
            return f" {_SIGNS[found['sign']]} "
        return shown.get(found[0], found[0])

    return _TOKEN.sub(word, formula.strip())
