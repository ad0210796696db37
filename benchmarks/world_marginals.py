"""Does the simulated feed look like the real one? Prints both, and draws docs/world_marginals.svg.

python -m benchmarks.world_marginals
"""

from pathlib import Path

from matplotlib.figure import Figure

from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.datasets.world.marginals import Marginals
from mlsd_lab.plotting import svg


def main() -> None:
    """Simulate a world of the real log's size, measure it, draw it."""
    world = simulate(WorldConfig(users=25_000, videos=7_500, events=250_000, days=14))
    seen = Marginals.of(world.log)
    print(seen.to_frame().round(4).to_string())
    path = Path(__file__).resolve().parent.parent / "docs" / "world_marginals.svg"
    figure = Figure(figsize=(7, 5), layout="constrained")
    seen.plot(figure.subplots())
    path.write_text(svg(figure) + "\n", encoding="utf-8")
    print(f"drawn: {path.name}")


if __name__ == "__main__":
    main()
