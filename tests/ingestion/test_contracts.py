from mlsd_lab.datasets import schema
from mlsd_lab.ingestion.contracts import BY_SOURCE, CONTRACTS, EVENTS, USERS, VIDEOS


def test_the_contracts_name_the_columns_that_a_log_gives_a_meaning() -> None:
    assert EVENTS.columns == schema.COLUMNS["events"]
    for contract in (USERS, VIDEOS):
        assert set(schema.COLUMNS[contract.name]) <= set(contract.columns)


def test_each_source_lands_in_a_table_of_its_own() -> None:
    assert {contract.name for contract in BY_SOURCE.values()} == set(CONTRACTS) == {"events", "users", "videos"}
