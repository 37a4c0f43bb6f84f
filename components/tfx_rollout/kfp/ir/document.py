"""A compiled pipeline as it lies in a file: one or two YAML documents.

The first is the PipelineSpec; the second, where there is one, says what Kubernetes shall
add to the tasks' pods (`platforms: kubernetes: …`). Both stay plain mappings: what they
must be is the matter of `lint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tfx_rollout.errors import InvalidPlan, NotFound, StorageFault
from tfx_rollout.kfp.ir.reading import entries, inside, text

Json = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C where PyYAML has it: a compiled pipeline is long."""

SUFFIXES = (".yaml", ".yml")
"""The files that KFP takes for a PipelineSpec; with `.json` TFX writes a PipelineJob, which KFP does not know."""


@dataclass(frozen=True)
class Documents:
    """A compiled pipeline. Neither mapping may be changed: `finish` and its steps make new ones."""

    pipeline: Json
    platform: Json | None = None
    name: str = "pipeline"
    """What errors call it: the file, or the pipeline's name."""


def load(path: Path | str) -> Documents:
    """The documents of a file. `NotFound`, `StorageFault`, and `InvalidPlan` where it is no compiled pipeline."""
    path = Path(path)
    try:
        written = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = sorted(entry.name for entry in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        raise NotFound("compiled pipeline", path.name, f"the folder {path.parent}", known) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise StorageFault(str(path), f"cannot be read ({fault})", "give a compiled pipeline in YAML") from fault
    return parse(written, name=str(path))


def parse(written: str, *, name: str = "pipeline") -> Documents:
    """The documents in a text. `InvalidPlan` says in one sentence why it is no compiled pipeline."""
    what = f"the compiled pipeline {name}"
    try:
        found = [_plain(document, what) for document in yaml.load_all(written, _LOADER) if document is not None]
    except yaml.YAMLError as fault:
        place = getattr(fault, "problem_mark", None)
        where = "" if place is None else f" in line {place.line + 1}"
        raise InvalidPlan(what, [f"document: it is no YAML{where}; compile the pipeline anew"]) from fault
    if not found or not isinstance(found[0], Mapping):
        raise InvalidPlan(what, ["document: it has no mapping such as a compiled pipeline is; compile the pipeline anew"])
    pipeline, *others = found
    if "pipelineSpec" in pipeline:
        raise InvalidPlan(
            what,
            ["document: it is a PipelineJob, which Vertex takes but open-source KFP does not; compile to a file named .yaml"],
        )
    if "deploymentSpec" not in pipeline or "root" not in pipeline:
        raise InvalidPlan(what, ["document: it has no 'root' and no 'deploymentSpec', so it is no compiled pipeline of KFP v2"])
    if len(others) > 1:
        raise InvalidPlan(what, [f"document: it has {len(found)} YAML documents, but KFP takes one, or two of which 'platforms'"])
    platform = others[0] if others else None
    if platform is not None and (not isinstance(platform, Mapping) or not isinstance(platform.get("platforms"), Mapping)):
        raise InvalidPlan(what, ["document 2: it must be a mapping with 'platforms'"])
    return Documents(dict(pipeline), None if platform is None else dict(platform), name)


def dump(documents: Documents) -> str:
    """The documents as text: a heading for people, then sorted keys, so that equal pipelines give equal files."""
    written = [documents.pipeline] if documents.platform is None else [documents.pipeline, documents.platform]
    return _heading(documents.pipeline) + yaml.safe_dump_all(written, sort_keys=True, width=120, allow_unicode=True)


def save(documents: Documents, path: Path | str) -> Path:
    """Writes the documents to a file, whose folder is made. `InvalidPlan` for a name that KFP does not take."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InvalidPlan(f"the file {path.name}", ["name: it must end in .yaml, since KFP takes no other form of a pipeline"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(documents), encoding="utf-8")
    except OSError as fault:
        raise StorageFault(str(path), f"cannot be written ({fault.strerror})", "choose another file") from fault
    return path


def _plain(value: Any, what: str, place: str = "document") -> Any:
    """A value as JSON has it. Nothing that is null is kept: the server takes it for missing, too."""
    if isinstance(value, Mapping):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            raise InvalidPlan(what, [f"{place}: its key {strange[0]!r} is no text; put it in quotes"])
        return {key: _plain(inner, what, f"{place}.{key}") for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner, what, f"{place}[{number}]") for number, inner in enumerate(value)]
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    raise InvalidPlan(what, [f"{place}: it is a {type(value).__name__}, which JSON does not have; put it in quotes"])


def _heading(pipeline: Mapping[str, Any]) -> str:
    lines = ["# PIPELINE DEFINITION", f"# Name: {text(inside(pipeline, 'pipelineInfo'), 'name')}"]
    inputs = sorted(entries(pipeline, "root", "inputDefinitions", "parameters"))
    if inputs:
        lines.append("# Inputs:")
    for name, spec in inputs:
        default = f" [Default: {spec['defaultValue']!r}]" if "defaultValue" in spec else ""
        lines.append(f"#    {name}: {spec.get('parameterType', 'unknown')}{default}")
    return "\n".join(lines) + "\n"
