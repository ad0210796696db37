"""Lets `python -m mlsd_lab` do what `mlsd-lab` does."""

from mlsd_lab.cli import main

if __name__ == "__main__":
    main()
