from mlsd_lab.features.access.verdict import Verdict


def test_what_was_mended_is_sound_and_what_is_broken_is_not() -> None:
    assert Verdict(1, "1 ab", "", ("it was mended",)).sound
    assert not Verdict(1, "1 ab", "entry 2 does not follow", ()).sound
