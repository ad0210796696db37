import json

import pytest

from mlsd_lab.ingestion.mentioned_users import mentioned_users


@pytest.mark.parametrize("user", ["u1", "zoë", 'say "hi"', "a\\b", "日本🎬"])
@pytest.mark.parametrize(
    "form", ['{{"user_id": {}}}', '{{"a": 1, "user_id" :{}, "b": 2', '{{"x": {{"user_id": {{"id": {}}}}}}}']
)
def test_an_id_is_found_in_any_form(user: str, form: str) -> None:
    for text in (json.dumps(user), json.dumps(user, ensure_ascii=False)):
        record = form.format(text)
        cut = record[: record.index(text) + len(text) - 1]
        assert user in mentioned_users(record.encode())
        assert user in mentioned_users(cut.encode())


def test_what_is_no_value_of_user_id_is_not_found() -> None:
    assert mentioned_users(b'{"user_id": 42, "video_id": "ann"}') == {"42"}
    assert mentioned_users(b'{"note": "user_id ann"}') == set()
