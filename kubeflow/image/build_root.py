"""Builds what a Dockerfile says in a plain Debian root, and tries the result: for machines without a container engine.

    sudo PYTHONPATH=kubeflow python -m image.build_root kubeflow/image/Dockerfile.slim --work /tmp/roots

The Dockerfile's own instructions are followed, one by one; the folder `<work>/<file>-<stage>` is
what an engine would have made of each stage. Then `smoke.py` is run in the last one as the
image's user, with everything read-only that a pod has read-only.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from image.debian_root import copy_tree, network_environment, python_base, run_in
from image.dockerfile import Copy, Run, Stage, stages
from tfx_rollout.errors import InvalidInput, RolloutError, ServingFault

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
DOCKER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH where an image says nothing."""
SMOKE_TIMEOUT_S = 900

Tell = Callable[[str], None]


class StepFailed(ServingFault):
    """A command of the Dockerfile, or of the trial after it, ended with a fault."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} ended with code {code}; what it said stands above.")


def build(
    dockerfile: Path,
    work: Path,
    *,
    arguments: Mapping[str, str] | None = None,
    mirror: str | None = None,
    tell: Tell = print,
    context: Path = CHECKOUT,
) -> tuple[Path, Stage]:
    """Builds every stage; the root of the last one and what its image says of itself.

    Stages that stand in `work` from an earlier build are made anew. Raises `InvalidInput`,
    `StorageFault` and `StepFailed`.
    """
    plan = stages(dockerfile.read_text(encoding="utf-8"), arguments)
    ignored = ignore_rules((context / ".dockerignore").read_text(encoding="utf-8"))
    roots: dict[str, Path] = {}
    for stage in plan:
        root = work / f"{dockerfile.name}-{stage.name}"
        _remove(root)
        tell(f"{stage.name}: FROM {stage.base}")
        python_base(stage.base, root, bases=work, mirror=mirror)
        roots[stage.name] = root
        for step in stage.steps:
            began = time.monotonic()
            if isinstance(step, Run):
                tell(f"{stage.name}: RUN {step.command[:100]}")
                _run(root, step)
            else:
                tell(f"{stage.name}: COPY {' '.join(step.sources)} {step.target}")
                _copy(root, step, roots, context, ignored)
            tell(f"{stage.name}:   {time.monotonic() - began:.1f} s")
    return root, plan[-1]


def leftovers(root: Path) -> list[str]:
    """What only the build needed and an image should not carry: caches of pip, uv and apt."""
    caches = (*root.glob("root/.cache/*"), *root.glob("tmp/*"), *root.glob("var/cache/apt/archives/*.deb"))
    lists = (entry for entry in root.glob("var/lib/apt/lists/*") if entry.name not in ("lock", "partial", "auxfiles"))
    return sorted(str(entry.relative_to(root)) for entry in (*caches, *lists))


def try_out(root: Path, image: Stage, *, tell: Tell = print) -> None:
    """Runs the trial in the built root as its user. Raises `StepFailed`, and `ServingFault` for what was left lying about."""
    if left := leftovers(root):
        raise ServingFault(f"The image carries {', '.join(left[:5])}, which only the build needed; remove it in the same RUN.")
    environment = {"PATH": DOCKER_PATH, **image.environment, "TFX_ROLLOUT_IMAGE": json.dumps(_facts(image))}
    tell(f"trial as {image.user}, the root read-only")
    done = run_in(
        root,
        ["python3", "-"],
        environment=environment,
        user=image.user,
        folder=image.folder,
        read_only=True,
        stdin=(HERE / "smoke.py").read_text(encoding="utf-8"),
        timeout_s=SMOKE_TIMEOUT_S,
    )
    if done.returncode:
        raise StepFailed("The trial of the image", done.returncode)


def ignore_rules(text: str) -> list[tuple[str, bool]]:
    """The lines of a `.dockerignore`: pattern, and whether it takes in again (`!`) what an earlier one left out."""
    lines = [line.strip() for line in text.splitlines()]
    return [(line.lstrip("!").strip("/"), line.startswith("!")) for line in lines if line and not line.startswith("#")]


def is_in_context(path: str, rules: list[tuple[str, bool]]) -> bool:
    """Whether a file below the context is sent to the build. The last rule that fits it, or a folder above it, decides."""
    parts = path.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    inside = True
    for pattern, takes_in in rules:
        # `**/x` is x at any depth; fnmatch's star crosses slashes, Docker's does not, so depth is compared too.
        anywhere = pattern.startswith("**/")
        bare = pattern.removeprefix("**/")
        for folder in above:
            name = folder.rsplit("/", 1)[-1] if anywhere else folder
            if fnmatch.fnmatchcase(name, bare) and name.count("/") == bare.count("/"):
                inside = takes_in
                break
    return inside


def _facts(image: Stage) -> dict[str, object]:
    return {"user": image.user, "entrypoint": image.entrypoint, "command": image.command, "labels": image.labels}


def _run(root: Path, step: Run) -> None:
    environment = {"PATH": DOCKER_PATH, "HOME": "/root", **network_environment(), **step.environment}
    _make_folder(root, step.folder)
    done = run_in(root, ["/bin/sh", "-c", step.command], environment=environment, user=step.user, folder=step.folder)
    if done.returncode:
        raise StepFailed(f"RUN {step.command[:80]}", done.returncode)


def _copy(root: Path, step: Copy, roots: Mapping[str, Path], context: Path, ignored: list[tuple[str, bool]]) -> None:
    origin = context if step.stage is None else roots[step.stage]
    target = root / step.target.lstrip("/")
    for name in step.sources:
        source = origin / name.lstrip("/")
        if not source.exists() or (step.stage is None and source.is_file() and not is_in_context(name, ignored)):
            raise InvalidInput(f"COPY finds no {name} in {'the build context' if step.stage is None else step.stage}.")
        if source.is_file():
            file = target / source.name if step.into_folder else target
            _make_folder(root, "/" + str(file.parent.relative_to(root)))
            shutil.copy2(source, file)
        elif step.stage is None:
            _copy_context(source, target, context, ignored)
        else:
            _make_folder(root, "/" + str(target.parent.relative_to(root)))
            copy_tree(source, target)


def _copy_context(source: Path, target: Path, context: Path, ignored: list[tuple[str, bool]]) -> None:
    for file in sorted(source.rglob("*")):
        if file.is_file() and is_in_context(file.relative_to(context).as_posix(), ignored):
            copied = target / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copied)


def _make_folder(root: Path, folder: str) -> None:
    (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)


def _remove(root: Path) -> None:
    # Nothing is ever left mounted below a root: mounts end with the command that made them.
    if root.exists():
        shutil.rmtree(root)


def main() -> int:
    """`python -m image.build_root`: the exit code; a fault is one sentence."""
    parser = argparse.ArgumentParser(description="Build what a Dockerfile says in a plain Debian root, and try it.")
    parser.add_argument("dockerfile", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the roots: some gigabytes")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--mirror", help="where to get Debian; by default where this machine gets it")
    parser.add_argument("--only-try", action="store_true", help="do not build; try what an earlier build left")
    given = parser.parse_args()
    arguments = {name: value for name, _, value in (text.partition("=") for text in given.build_arg)}
    try:
        if given.only_try:
            image = stages(given.dockerfile.read_text(encoding="utf-8"), arguments)[-1]
            root = given.work / f"{given.dockerfile.name}-{image.name}"
        else:
            root, image = build(given.dockerfile, given.work, arguments=arguments, mirror=given.mirror)
        try_out(root, image)
    except RolloutError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    print(f"built and tried: {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
