"""The command line: `mlsd-lab run | size | lab | progress | data | doctor`, one file a command or group."""

from mlsd_lab.cli.app import main

__all__ = ["main"]
