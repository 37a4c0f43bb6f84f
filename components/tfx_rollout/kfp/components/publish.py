"""Writing the components as the YAML files that others load.

python -m tfx_rollout.kfp.components.publish kubeflow/components --image registry.example.com/tfx-rollout:1.2.0
"""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.kfp.components.components import components_for
from tfx_rollout.kfp.components.image import DEFAULT_IMAGE


def publish(folder: Path, image: str = DEFAULT_IMAGE) -> list[Path]:
    """Writes `<name>.yaml` for each component into the folder, which it makes; returns the files.

    `kfp.components.load_component_from_file` takes them.
    """
    from kfp import compiler

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, component in components_for(image).by_name().items():
        files.append(folder / f"{name}.yaml")
        compiler.Compiler().compile(component, str(files[-1]))
    return files


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--image", default=DEFAULT_IMAGE, show_default=True, help="The image in which they are to run.")
def main(folder: Path, image: str) -> None:
    """Write the components as YAML files into FOLDER."""
    for file in publish(folder, image):
        click.echo(file)


if __name__ == "__main__":
    main()
