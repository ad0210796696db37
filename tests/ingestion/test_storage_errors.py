import duckdb
import pytest
from deltalake.exceptions import CommitFailedError, DeltaError

from mlsd_lab.errors import ConflictError, DataError, StorageError
from mlsd_lab.ingestion.storage_errors import explained


@pytest.mark.parametrize("kind", [DeltaError, OSError, PermissionError, duckdb.IOException, Exception])
def test_what_the_storage_says_becomes_one_sentence(kind: type[Exception]) -> None:
    with (
        pytest.raises(StorageError, match=r"^cannot use lake: no space left\. Mend it and run again"),
        explained("lake"),
    ):
        raise kind("\n  no space left.\nstack of many lines")


def test_an_error_without_words_is_named() -> None:
    with pytest.raises(StorageError, match=r"cannot use lake: TimeoutError\. Mend"), explained("lake"):
        raise TimeoutError


def test_long_words_are_cut_and_the_cause_at_their_end_stays() -> None:
    said = r"use lake: Unable to open /a/a.*a/a: Permission denied\. Mend"
    with pytest.raises(StorageError, match=said) as told, explained("lake"):
        raise OSError(f"Unable to open {'/a' * 5_000}: Permission denied")
    assert len(str(told.value)) < 400


def test_a_lost_race_is_a_conflict() -> None:
    with pytest.raises(ConflictError, match="another writer committed first"), explained("lake"):
        raise CommitFailedError("version 3 exists")


def test_trouble_with_what_another_writer_replaced_is_a_lost_race() -> None:
    with pytest.raises(ConflictError, match="lake: another writer committed first"), explained("lake", lambda: True):
        raise FileNotFoundError("part-1.parquet")


def test_where_the_newest_version_cannot_be_told_the_first_trouble_is_named() -> None:
    with pytest.raises(StorageError, match="no space left"), explained("lake", lambda: bool(1 / 0)):
        raise OSError("no space left")


def test_an_error_of_ours_and_a_bug_pass_as_they_are() -> None:
    with pytest.raises(DataError, match=r"^as it is$"), explained("lake"):
        raise DataError("as it is")
    with pytest.raises(ZeroDivisionError), explained("lake"):
        raise ZeroDivisionError


def test_of_a_chain_of_causes_the_innermost_are_kept() -> None:
    chain = "Generic S3 error\n \x1b[31m↳\x1b[0m Error performing list request\n ↳ 403 Forbidden\n ↳ "
    chain += '<?xml version="1.0"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>Check.</Message></Error>\n'
    with pytest.raises(StorageError) as told, explained("s3://b"):
        raise OSError(chain)
    assert "Generic S3 error: Error performing list request: 403 Forbidden: SignatureDoesNotMatch: Check." in str(
        told.value
    )
    assert str(told.value).isprintable()
