from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.claim import claim
from mlsd_lab.course.live import Live
from mlsd_lab.errors import ConfigError


@pytest.mark.parametrize(("verdict", "line"), [(True, "Yes."), (False, "No."), (np.bool_(True), "Yes.")])
def test_a_plain_verdict_stands_unmasked(verdict: Any, line: str) -> None:
    assert repr(claim("0.1", verdict, yes="Yes.", no="No.")) == line


def test_a_live_verdict_is_masked() -> None:
    assert repr(claim("0.1", Live(4) > 3, yes="Yes.", no="No.")) == "⟨Yes.⟩"
    assert repr(claim("0.1", Live(2) > 3, yes="Yes.", no="No.")) == "⟨No.⟩"


def test_a_steady_verdict_stands_unmasked() -> None:
    assert repr(claim("0.1", Live(4) > 3, yes="Yes.", no="No.", steady=True)) == "Yes."


def test_the_build_refuses_a_steady_claim_of_small_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSD_LAB_BUILD", "1")
    assert repr(claim("0.1", Live(9) > 3, yes="Yes.", no="No.", steady=True)) == "Yes."
    assert repr(claim("0.1", Live(4) > 3, yes="Yes.", no="No.")) == "⟨Yes.⟩"
    with pytest.raises(ConfigError, match=r"0\.1: expected a margin of 3 × for a steady claim, found 1\.33 ×"):
        claim("0.1", Live(4) > 3, yes="Yes.", no="No.", steady=True)


@pytest.mark.parametrize("verdict", [1, "yes", None, Live(3)])
def test_another_verdict_is_a_sentence(verdict: object) -> None:
    with pytest.raises(ConfigError, match=r"0\.1: expected True, False"):
        claim("0.1", verdict, yes="Yes.", no="No.")
