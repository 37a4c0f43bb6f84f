"""Rendered documents as the rules see them: workloads with their pods and containers, and what a finding says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One fault: the rule that found it, where, what is wrong, and what to do."""

    rule: str
    place: str
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}; {self.mend}. [{self.rule}]"


Rule = Callable[["Manifests"], Iterator[Finding]]


@dataclass(frozen=True)
class Container:
    """One container of a pod. `helper`: it runs before or beside the others (`initContainers`)."""

    workload: Workload
    spec: Mapping[str, Any]
    helper: bool

    @property
    def place(self) -> str:
        return f"{self.workload.place}, container {self.spec['name']}"

    @property
    def words(self) -> list[str]:
        """The command line, as far as the manifest says it."""
        return [*self.spec.get("command", ()), *self.spec.get("args", ())]

    @property
    def mounts(self) -> list[Mapping[str, Any]]:
        return list(self.spec.get("volumeMounts", ()))

    @property
    def ports(self) -> dict[str, int]:
        """Named ports."""
        return {port["name"]: port["containerPort"] for port in self.spec.get("ports", ()) if "name" in port}

    def mount_of(self, path: str) -> Mapping[str, Any] | None:
        """The mount that a file of this path lies in."""
        holding = [m for m in self.mounts if (path + "/").startswith(m["mountPath"].rstrip("/") + "/")]
        return max(holding, key=lambda mount: len(mount["mountPath"]), default=None)


@dataclass(frozen=True)
class Workload:
    """A document that makes pods."""

    document: Document
    pod: Mapping[str, Any]
    """The pod's spec."""
    pod_labels: Mapping[str, str]

    @property
    def place(self) -> str:
        return name_of(self.document)

    @property
    def namespace(self) -> str | None:
        return namespace_of(self.document)

    @property
    def containers(self) -> list[Container]:
        """Those that run beside each other and those that run before."""
        return [
            *(Container(self, spec, True) for spec in self.pod.get("initContainers", ())),
            *(Container(self, spec, False) for spec in self.pod.get("containers", ())),
        ]

    @property
    def volumes(self) -> dict[str, Mapping[str, Any]]:
        return {volume["name"]: volume for volume in self.pod.get("volumes", ())}

    def volume_of(self, container: Container, path: str) -> Mapping[str, Any]:
        """The volume that a path in this container lies in; empty when it lies in none."""
        mount = container.mount_of(path)
        return {} if mount is None else self.volumes.get(mount["name"], {})


class Manifests:
    """All documents of one rendering."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = list(documents)

    def of_kind(self, *kinds: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] in kinds]

    def find(self, kind: str, name: str, namespace: str | None) -> Document | None:
        """The document of this kind and name in this namespace."""
        return next((d for d in self.of_kind(kind) if d["metadata"]["name"] == name and namespace_of(d) == namespace), None)

    @property
    def workloads(self) -> list[Workload]:
        found = []
        for document in self.documents:
            template = pod_template(document)
            if template is not None:
                found.append(Workload(document, template["spec"], template.get("metadata", {}).get("labels", {})))
        return found

    @property
    def containers(self) -> list[Container]:
        return [container for workload in self.workloads for container in workload.containers]

    def selected(self, labels: Mapping[str, str], namespace: str | None) -> list[Workload]:
        """The workloads of a namespace whose pods have these labels."""
        return [w for w in self.workloads if w.namespace == namespace and labels.items() <= w.pod_labels.items()]


def pod_template(document: Document) -> Mapping[str, Any] | None:
    """The pod template of a Deployment, StatefulSet, DaemonSet, Job or CronJob."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    elif document["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        return None
    template: Mapping[str, Any] = spec["template"]
    return template


def name_of(document: Document) -> str:
    """Kind and name."""
    return f"{document.get('kind', 'document')} {document.get('metadata', {}).get('name', 'without a name')}"


def namespace_of(document: Document) -> str | None:
    """The namespace it says, if it says one."""
    namespace: str | None = document["metadata"].get("namespace")
    return namespace


def flags(words: Iterable[str]) -> dict[str, str]:
    """`--name=value` and `--name value` of a command line, by name."""
    found: dict[str, str] = {}
    last = ""
    for word in words:
        if word.startswith("--"):
            last, equals, value = word.partition("=")
            found[last] = value
            if equals:
                last = ""
        elif last:
            found[last], last = word, ""
    return found
