"""`python -m deployments.samples FOLDER`: writes the sample receipts and their truth there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.samples.render import render_samples


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write the pictures and truth.json.")],
    count: Annotated[int | None, typer.Option(help="Only the first so many.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 7,
) -> None:
    """Write the sample receipts and their truth into FOLDER."""
    render_samples(folder, count=count, seed=seed)
    typer.echo(f"wrote the samples to {folder}")


if __name__ == "__main__":
    typer.run(main)
