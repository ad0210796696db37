"""scikit-learn models in files that run no code when they are read."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from mlsd_lab.errors import ArtifactError

ALLOWED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "numpy.dtype")
"""Types besides skops' own list that a model file may hold; the list lives here, never in the file."""


def save_model(path: Path, parts: dict[str, Any]) -> None:
    """Write a dictionary of plain values and scikit-learn models, in skops' format.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(Path(folder, "m.skops"), {"columns": ["age"]})
    ...     load_model(Path(folder, "m.skops"), ("columns",))
    {'columns': ['age']}
    """
    import skops.io

    skops.io.dump(parts, path)


def load_model(path: Path, expected: Collection[str]) -> dict[str, Any]:
    """Read what `save_model` wrote; raises `ArtifactError` for another file, a type not allowed, or missing parts.

    >>> load_model(Path("nowhere.skops"), ("model",))
    Traceback (most recent call last):
    mlsd_lab.errors.ArtifactError: nowhere.skops: expected a model in skops' format, found none (...)
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        parts = skops.io.load(path, trusted=list(ALLOWED))
    except UntrustedTypesFoundException as error:
        raise ArtifactError(f"{path}: holds a type that no model of ours has: {error}") from error
    except Exception as error:  # whatever a foreign or broken zip file makes the reader raise
        raise ArtifactError(f"{path}: expected a model in skops' format, found none ({error})") from error
    if not isinstance(parts, dict) or set(parts) != set(expected):
        raise ArtifactError(f"{path}: expected {', '.join(sorted(expected))}, found {type(parts).__name__}")
    return parts
