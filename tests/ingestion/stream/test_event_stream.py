from mlsd_lab.ingestion.stream.event_stream import Records


def test_a_piece_without_records_ends_where_it_begins() -> None:
    assert Records(5, ()).end == 5
