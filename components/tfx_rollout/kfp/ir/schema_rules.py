"""Rules that kfp's own messages settle: whether the server could read both documents to the last field."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.reading import entries, text

SHAPELESS = "shape"
"""The rule of a finding after which there is nothing more to look at."""


def readable_pipeline(documents: Documents) -> Iterator[Finding]:
    """The first document is a PipelineSpec and its deployment a PipelineDeploymentConfig, to the last field."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    parts = (
        ("the first document", documents.pipeline, messages.PipelineSpec),
        ("deploymentSpec", documents.pipeline.get("deploymentSpec", {}), messages.PipelineDeploymentConfig),
    )
    for place, part, message in parts:
        try:
            json_format.ParseDict(part, message(), ignore_unknown_fields=True)
        except (json_format.ParseError, TypeError, AttributeError) as fault:
            yield _unreadable(place, fault, SHAPELESS)
            return
    for place, part, message in parts:
        try:
            json_format.ParseDict(part, message(), ignore_unknown_fields=False)
        except json_format.ParseError as fault:
            yield _unreadable(place, fault)


def readable_platform(documents: Documents) -> Iterator[Finding]:
    """The second document is a PlatformSpec, and what it says of each executor is what kfp-kubernetes knows."""
    if documents.platform is None:
        return
    from google.protobuf import json_format
    from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    try:
        json_format.ParseDict(documents.platform, messages.PlatformSpec(), ignore_unknown_fields=False)
    except (json_format.ParseError, TypeError, AttributeError) as fault:
        yield _unreadable("the second document", fault)
        return
    known = {text(component, "executorLabel") for _, component in entries(documents.pipeline, "components")}
    for platform, spec in entries(documents.platform, "platforms"):
        if platform != "kubernetes":
            yield Finding(
                "platform", f"platforms.{platform}", "open-source KFP has no such platform", "leave 'kubernetes' alone there"
            )
            continue
        for label, config in entries(spec, "deploymentSpec", "executors"):
            place = f"platforms.kubernetes executor {label}"
            if label not in known:
                yield Finding(
                    "platform", place, "no component has this executor", "finish the pipeline anew after its components changed"
                )
            try:
                json_format.ParseDict(config, kubernetes.KubernetesExecutorConfig(), ignore_unknown_fields=False)
            except json_format.ParseError as fault:
                yield _unreadable(place, fault)


def _unreadable(place: str, fault: Exception, rule: str = "unreadable") -> Finding:
    said = " ".join(str(fault).split()).rstrip(".")
    return Finding(rule, place, f"KFP cannot read it ({said})", "compile the pipeline anew, and leave nothing in it by hand")


SCHEMA_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (readable_pipeline, readable_platform)
