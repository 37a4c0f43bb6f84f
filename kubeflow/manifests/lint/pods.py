"""What each pod must keep to: no privileges, room that is said, images that are ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from image.dockerfile import Stage, stages
from manifests.lint.documents import Finding, Manifests

IMAGE_FOLDER = Path(__file__).resolve().parents[2] / "image"
TITLE = "org.opencontainers.image.title"


@cache
def built_images() -> dict[str, Stage]:
    """The images that are built here, by name: the last stage of each Dockerfile."""
    found = [stages(file.read_text(encoding="utf-8"))[-1] for file in sorted(IMAGE_FOLDER.glob("Dockerfile*"))]
    return {stage.labels[TITLE]: stage for stage in found}


def image_of(text: str) -> Stage | None:
    """The image of ours that a manifest names, from whatever registry."""
    name = re.sub(r"(:[^:/@]+)?(@.+)?$", "", text).rsplit("/", 1)[-1]
    return built_images().get(name)


def images(manifests: Manifests) -> Iterator[Finding]:
    """Every image is one that is built here; one from a registry has a version."""
    for container in manifests.containers:
        image = container.spec.get("image", "")
        if image_of(image) is None:
            yield Finding(
                "images", container.place, f"{image or 'no image'} is not built here", f"use {' or '.join(built_images())}"
            )
        tag = re.search(r":([^:/@]+)$", image)
        if "/" in image and "@" not in image and (tag is None or tag[1] == "latest"):
            yield Finding("images", container.place, f"{image} may be another one tomorrow", "give a version or a digest")


def security(manifests: Manifests) -> Iterator[Finding]:
    """What the Pod Security Standard `restricted` asks for, and a root that cannot be written."""
    for workload in manifests.workloads:
        pod = workload.pod.get("securityContext", {})
        if pod.get("runAsNonRoot") is not True:
            yield Finding("security", workload.place, "its pods may run as root", "set runAsNonRoot: true")
        if pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield Finding("security", workload.place, "it has no seccomp profile", "set seccompProfile.type: RuntimeDefault")
        for flag in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(flag):
                yield Finding("security", workload.place, f"it has {flag}", "leave it out")
        for name, volume in workload.volumes.items():
            if "hostPath" in volume:
                yield Finding("security", workload.place, f"volume {name} is a folder of the node", "use a claim or an emptyDir")
        for container in workload.containers:
            context = container.spec.get("securityContext", {})
            wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
            for field, value in wanted.items():
                if context.get(field) is not value:
                    yield Finding("security", container.place, f"{field} is not {str(value).lower()}", "set it")
            if context.get("privileged"):
                yield Finding("security", container.place, "it is privileged", "leave privileged out")
            capabilities = context.get("capabilities", {})
            if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
                yield Finding("security", container.place, "it keeps capabilities", "set capabilities.drop: [ALL] and add none")


def users(manifests: Manifests) -> Iterator[Finding]:
    """Pods run as the user that the images have, so that what one writes the others may read."""
    for container in manifests.containers:
        stage = image_of(container.spec.get("image", ""))
        if stage is None:
            continue
        pod = container.workload.pod.get("securityContext", {})
        said = f"{pod.get('runAsUser')}:{pod.get('runAsGroup')}"
        if said != stage.user:
            yield Finding("users", container.place, f"it runs as {said}, its image as {stage.user}", "use the image's numbers")
        if str(pod.get("fsGroup")) != stage.user.partition(":")[2]:
            yield Finding("users", container.place, "fsGroup is not the image's group", "else it cannot write to new volumes")


def resources(manifests: Manifests) -> Iterator[Finding]:
    """What a pod needs is said, and memory has its limit where it was asked for."""
    for container in manifests.containers:
        found = container.spec.get("resources", {})
        for name in ("cpu", "memory"):
            if name not in found.get("requests", {}):
                yield Finding("resources", container.place, f"it requests no {name}", "say what it needs")
        if "memory" not in found.get("limits", {}):
            yield Finding("resources", container.place, "its memory has no limit", "set one, lest it takes the node's")
    for workload in manifests.workloads:
        for name, volume in workload.volumes.items():
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield Finding("resources", workload.place, f"volume {name} may fill the node", "set emptyDir.sizeLimit")


RULES = (images, security, users, resources)
