"""Events whose columns are made when a feature asks for them."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Makers = Mapping[str, Callable[[], Any]]


class LazyRows:
    """What a row function gets in place of a table that only it would need: of twenty columns most read one or two.

    A column is made when it is first asked for, `rows.topic` or `rows["topic"]`; whatever else is asked for or changed,
    the whole table answers, from then on for everything.

    >>> rows = LazyRows({"a": lambda: np.array([1.0, 2.0]), "b": lambda: np.array(["x", None], dtype=object)}, range(2))
    >>> rows.a.tolist(), "b" in rows, rows[["b"]].isna().sum().item(), rows.shape
    ([1.0, 2.0], True, 1, (2, 2))
    """

    def __init__(self, makers: Makers, index: Any) -> None:
        self._makers, self.index = makers, index
        self._made: dict[str, pd.Series] = {}

    @classmethod
    def of(cls, table: "pd.DataFrame | LazyRows") -> "LazyRows":
        """Return rows for one function: what it changes it changes for itself alone, in training as in a store."""
        return cls({name: partial(table.__getitem__, name) for name in table}, table.index)

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The whole table."""
        import pandas as pd

        columns = {name: self._column(name) for name in self._makers}
        return pd.DataFrame(columns, self.index, copy=False)  # pandas 3.1, told to copy, shares times unnoticed

    def __getitem__(self, key: Any) -> Any:
        return self._column(key) if self._is_lazy(key) else self.frame[key]

    def __getattr__(self, name: str) -> Any:
        if "_makers" not in vars(self):  # `copy` looks around before there is anything
            raise AttributeError(name)
        return self._column(name) if self._is_lazy(name) else getattr(self.frame, name)

    def __setitem__(self, key: Any, values: Any) -> None:
        self.frame[key] = values

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self).get("_makers", ()):
            self.frame[name] = value
        else:
            super().__setattr__(name, value)

    def __delitem__(self, key: Any) -> None:
        del self.frame[key]

    def __contains__(self, name: object) -> bool:
        return name in vars(self).get("frame", self._makers)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self).get("frame", self._makers))

    def __len__(self) -> int:
        return len(self.index)

    def _is_lazy(self, key: Any) -> bool:
        return "frame" not in vars(self) and isinstance(key, str) and key in self._makers

    def _column(self, name: str) -> "pd.Series":
        import pandas as pd

        if name not in self._made:
            values = self._makers[name]()
            kind = object if values.dtype == object else None  # told so, pandas does not look at each value
            self._made[name] = pd.Series(values, self.index, kind, name, copy=False)
        return self._made[name].copy(deep=False)


def texts(table: "pd.DataFrame", name: str) -> Any:
    """Return a column of texts as objects, nulls where there is none.

    >>> import pandas as pd
    >>> texts(pd.DataFrame({"surface": pd.Categorical(["home", None])}), "surface").tolist()
    ['home', nan]
    """
    import pandas as pd

    if name not in table:
        return np.full(len(table), None)
    column = table[name]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object)
    return np.append(column.cat.categories.to_numpy(object), np.nan)[column.cat.codes]


def floats(table: "pd.DataFrame | Mapping[str, Any]", name: str) -> Any:
    """Return a column of numbers or flags as float64, NaN for a null and where there is none.

    >>> import pandas as pd
    >>> floats(pd.DataFrame({"clicked": pd.array([True, None], dtype="boolean")}), "clicked").tolist()
    [1.0, nan]
    """
    if name not in table:
        return np.full(len(table), np.nan)
    column = table[name]
    if column.dtype.kind in "bf" and isinstance(column.dtype, np.dtype):
        return column.astype(np.float64)
    return column.astype("Float64").to_numpy(np.float64, na_value=np.nan)
