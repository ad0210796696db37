import numpy as np

from mlsd_lab.features import Lookup


def test_values_are_a_table_of_the_columns_in_their_order() -> None:
    found = Lookup(("b", "a"), np.array([[1.0, np.nan], [2.0, 3.0]]), position=7, tile=492_000).to_frame()
    assert found.columns.tolist() == ["b", "a"]
    np.testing.assert_array_equal(found, [[1.0, np.nan], [2.0, 3.0]])


def test_a_slate_of_none_is_a_table_without_rows() -> None:
    assert Lookup(("a",), np.empty((0, 1)), position=0, tile=0).to_frame().shape == (0, 1)
