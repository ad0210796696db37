from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.datasets.reading import read_csv, refuse_rows, require_numbers
from mlsd_lab.errors import DataError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


def refusal(file: Path, content: bytes | str, *required: str) -> str:
    """Write the file, read it, and return the sentence that refuses it."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as refused:
        read_csv(file, required or ("id",), text=["id"])
    sentence = str(refused.value)
    assert sentence.startswith(f"{file}: ")
    assert sentence.isprintable()
    assert len(sentence) < 600 + len(str(file))
    return sentence


def test_text_stays_text_and_numbers_become_numbers(file: Path) -> None:
    file.write_text("id,n\n007,7\nNA,NA\nnull,\n1.0,1e3\nTRUE,-1\n", encoding="utf-8")
    table = read_csv(file, ["id"], text=["id"])
    assert table["id"].tolist() == ["007", "NA", "null", "1.0", "TRUE"]
    assert table["n"].fillna(0).tolist() == [7, 0, 0, 1000, -1]


def test_an_empty_text_cell_is_missing(file: Path) -> None:
    file.write_text("id,n\n,1\n", encoding="utf-8")
    assert read_csv(file, ["id"], text=["id"])["id"].isna().all()


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_names_and_values(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfid,name\r\n1,ann\r\n")
    assert read_csv(file, ["id"]).to_dict("records") == [{"id": 1, "name": "ann"}]


def test_quoted_cells_may_hold_commas_quotes_and_line_ends(file: Path) -> None:
    file.write_text('id,title\n1,"a, ""b""\nc"\n', encoding="utf-8")
    assert read_csv(file, ["id"])["title"].tolist() == ['a, "b"\nc']


def test_empty_lines_are_left_out_and_do_not_shift_the_line_in_an_error(file: Path) -> None:
    file.write_text("id,n\n1,2\n\n,\n3,x\n\n", encoding="utf-8")
    table = read_csv(file, ["id"])
    assert table["n"].tolist() == ["2", "x"]
    with pytest.raises(DataError, match=r"column n: expected a number, found 'x' in line 5 \(1 such line\)"):
        require_numbers(table, ["n"], file)


def test_a_missing_file_is_named_with_the_columns_it_should_have(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.csv: expected a CSV file with columns id, n, found no such file"):
        read_csv(tmp_path / "nowhere.csv", ["id", "n"])


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.csv").mkdir()
    with pytest.raises(DataError, match=r"events.csv: .*cannot read it \(Is a directory\)"):
        read_csv(tmp_path / "events.csv", ["id"])


@pytest.mark.parametrize("content", ["", "\n\n", " "], ids=["nothing", "line ends", "a space"])
def test_a_file_without_names_is_refused(file: Path, content: str) -> None:
    assert "expected" in refusal(file, content)


def test_a_renamed_column_is_named_in_the_error(file: Path) -> None:
    assert "expected a column 'id', found uid, n" in refusal(file, "uid,n\n1,2\n")


def test_another_separator_shows_in_the_error(file: Path) -> None:
    assert "expected a column 'id', found id;n" in refusal(file, "id;n\n1;2\n")


def test_a_repeated_column_is_refused(file: Path) -> None:
    assert "expected each column once, found 'id' twice" in refusal(file, "id,n,id\n1,2,3\n")


@pytest.mark.parametrize("rows", ["1,2,3\n4,5,6\n", "1,2,3\n4,5\n"], ids=["every line", "the first line"])
def test_more_cells_than_names_are_refused_rather_than_shifted(file: Path, rows: str) -> None:
    assert "lines with more cells than the first line has names" in refusal(file, "id,n\n" + rows)


def test_a_longer_line_further_down_is_named(file: Path) -> None:
    assert "Expected 2 fields in line 3, saw 3" in refusal(file, "id,n\n1,2\n3,4,5\n")


def test_a_quote_that_is_never_closed_is_refused(file: Path) -> None:
    assert "found broken lines" in refusal(file, 'id,n\n1,"2\n3,4\n')


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "shift-jis"])
def test_another_encoding_is_refused(file: Path, encoding: str) -> None:
    assert "in UTF-8, found other bytes" in refusal(
        file, "id,name\n1,é\n".replace("é", "ラ" if "j" in encoding else "é").encode(encoding)
    )


def test_another_encoding_far_down_is_refused(file: Path) -> None:
    assert "found other bytes" in refusal(file, b"id,name\n" + b"1,ann\n" * 100_000 + b"1,J\xfcrgen\n")


@pytest.mark.parametrize(
    "content",
    [
        bytes(5000),
        bytes(range(128)) * 50,
        bytes(range(256)) * 50,
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"PK\x03\x04" * 1000,
    ],
    ids=["zeros", "control characters", "all bytes", "an image", "an archive"],
)
def test_a_binary_file_is_refused_in_a_short_printable_sentence(file: Path, content: bytes) -> None:
    refusal(file, content)


def test_numbers_become_float64(file: Path) -> None:
    table = require_numbers(pd.DataFrame({"n": ["1", "2.5"], "id": ["1", "2"]}), ["n"], file)
    assert table["n"].tolist() == [1.0, 2.5]
    assert table["id"].tolist() == ["1", "2"]


@pytest.mark.parametrize("cells", [["True", "False"], ["", "1"], ["1", "1,5"], ["1", "٣x"], ["1", "0x10"]])
def test_what_is_no_number_is_refused(file: Path, cells: list[str]) -> None:
    pd.DataFrame({"id": ["a", "b"], "n": cells}).to_csv(file, index=False)
    with pytest.raises(DataError, match="column n: expected a number, found"):
        require_numbers(read_csv(file, ["n"]), ["n"], file)


def test_rows_that_are_fine_are_not_refused() -> None:
    refuse_rows(pd.Series([False, False]), pd.Series(["a", "b"]), "a letter", "here")


def test_the_first_bad_row_is_shown_and_the_others_counted() -> None:
    cells = pd.Series(["a", "7", None, "8"])
    with pytest.raises(DataError, match=r"^here: expected a letter, found '7' in line 3 \(3 such lines\)$"):
        refuse_rows(cells != "a", cells, "a letter", "here")


def test_an_empty_cell_is_called_so() -> None:
    cells = pd.Series([None, "b"], dtype=object)
    with pytest.raises(DataError, match="found an empty cell in line 2"):
        refuse_rows(cells.isna(), cells, "a letter", "here")
