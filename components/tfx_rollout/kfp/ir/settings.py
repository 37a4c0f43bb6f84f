"""What a pipeline needs besides its components to run on a cluster: as people write it, checked when it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir.roots import root_fault

_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
Name = Annotated[str, Field(pattern=_NAME, max_length=253, examples=["serving-root"])]
"""A name as Kubernetes takes it."""
MountPath = Annotated[str, Field(pattern=r"^/[^:\s]+$", examples=["/srv/models"])]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["AWS_SECRET_ACCESS_KEY"])]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retries(_Section):
    """What happens to a task that failed: it is tried again after a pause that grows."""

    most: int = Field(2, ge=0, le=10, description="How often a task is tried again; 0 leaves it at one attempt.")
    pause_seconds: int = Field(30, ge=0, le=3600, description="The pause before the first of them.")
    factor: float = Field(2.0, ge=1, le=10, description="How many times as long each further pause is.")
    longest_pause_seconds: int = Field(600, ge=0, le=86_400, description="No pause is longer than this.")


class Resources(_Section):
    """What a task's container may use, and what it is promised."""

    cpu: float | None = Field(None, gt=0, le=1024, description="Most cores.")
    memory_gb: float | None = Field(None, gt=0, le=16_384, description="Most memory, in GB (10^9 bytes).")
    cpu_request: float | None = Field(None, gt=0, le=1024, description="Cores that the node must have free.")
    memory_request_gb: float | None = Field(None, gt=0, le=16_384, description="Memory that the node must have free, in GB.")


class Mount(_Section):
    """A volume claim that containers see under a path."""

    claim: Name = Field(description="The name of the PersistentVolumeClaim, in the namespace of the runs.")
    path: MountPath = Field(description="Where the containers see it; absolute.")
    tasks: Literal["all", "deployment"] = Field(
        "all", description="The tasks that see it: all, or those alone that read or change what is served."
    )


class SecretEnvironment(_Section):
    """Keys of a Secret as environment variables of every task's container."""

    secret: Name = Field(description="The name of the Secret.")
    keys: dict[str, EnvironmentName] = Field(min_length=1, description="The environment variable for each key of the Secret.")


class KubeflowSettings(_Section):
    """How a compiled pipeline is finished for an open-source Kubeflow cluster."""

    image: str = Field(min_length=1, pattern=r"^\S+$", description="The image that every task runs in.")
    pipeline_root: str = Field(description="Where runs keep their artifacts: a bucket (gs:// or s3://).")
    parameters: Mapping[str, str | int | float | bool] = Field(
        default_factory=dict, description="Defaults of the pipeline's parameters; they win over those in its code."
    )
    retries: Retries = Field(default_factory=Retries, description="For every task that has no policy of its own.")
    resources: Resources = Field(default_factory=Resources, description="For every task that is not named in task_resources.")
    task_resources: Mapping[str, Resources] = Field(default_factory=dict, description="By the name of the task.")
    mounts: tuple[Mount, ...] = Field((), description="Volume claims, such as the one with the serving root.")
    secrets: tuple[SecretEnvironment, ...] = Field((), description="Secrets as environment variables.")

    @field_validator("pipeline_root")
    @classmethod
    def _is_a_root(cls, root: str) -> str:
        fault = root_fault(root)
        if fault:
            raise ValueError(fault)
        return root

    @classmethod
    def read(cls, document: Mapping[str, Any], *, what: str = "the settings for Kubeflow") -> KubeflowSettings:
        """From a mapping. `InvalidPlan` names every fault at once."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise InvalidPlan(what, [_sentence(fault) for fault in error.errors(include_url=False)]) from error


def _sentence(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "document"
    return f"{place}: {re.sub('^Value error, ', '', fault['msg'])}"
