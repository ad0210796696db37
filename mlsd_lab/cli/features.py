"""`mlsd-lab features`: the group; its commands are files of their own."""

import typer

features_app = typer.Typer(help="Features: are they in serving what they are in training?", no_args_is_help=True)
