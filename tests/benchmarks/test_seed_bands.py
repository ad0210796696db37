import json
import re
from pathlib import Path

import pytest

from benchmarks.seed_bands import framing

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_framing.ipynb"


def shown() -> str:
    """All that notebook 01 shows as text."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    lines = [output.get("text", []) + output.get("data", {}).get("text/plain", []) for output in outputs]
    return "\n".join("".join(each) for each in lines)


def test_the_bands_of_notebook_01_are_those_of_what_the_notebook_computes() -> None:
    values, text = framing(0), shown()
    told = {
        "framing.users_an_arm": r"Guess 1\.3.*measured ⟨([\d,.]+) people⟩",
        "framing.minutes_ratio": r"Guess 1\.4.*measured ⟨([\d,.]+) ×⟩",
        "framing.honest_recall": r"framing\.honest_recall = ⟨([\d,.]+) %⟩",
        "framing.leak": r"Guess 1\.2.*measured ⟨([\d,.]+) points⟩",
    }
    assert set(told) == set(values)
    for name, pattern in told.items():
        found = re.search(pattern, text)
        assert found, name
        assert float(found[1].replace(",", "")) == pytest.approx(values[name], rel=0.01), name
