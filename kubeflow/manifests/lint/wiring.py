"""What one document says of another: selectors, ports, claims, targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifests.lint.documents import Finding, Manifests, Workload, name_of, namespace_of


def own_pods(manifests: Manifests) -> Iterator[Finding]:
    """A workload selects the pods that it makes."""
    for workload in manifests.workloads:
        # A Job is known by labels that Kubernetes adds.
        if workload.document["kind"] in ("Job", "CronJob"):
            continue
        selector = workload.document["spec"]["selector"]["matchLabels"]
        if not selector.items() <= workload.pod_labels.items():
            yield Finding("own pods", workload.place, "its selector does not fit its pods' labels", "make them alike")
        others = [o.place for o in manifests.selected(selector, workload.namespace) if o.document is not workload.document]
        if others:
            yield Finding("own pods", workload.place, f"its selector also fits {', '.join(others)}", "tell them apart by a label")


def services(manifests: Manifests) -> Iterator[Finding]:
    """A Service leads to pods that are there, and to ports that they have."""
    for service in manifests.of_kind("Service"):
        hit = manifests.selected(service["spec"].get("selector", {}), namespace_of(service))
        if not hit:
            yield Finding("services", name_of(service), "its selector fits no pod", "use the labels of a pod template")
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            for workload in hit:
                if not _has_port(workload, target):
                    yield Finding("services", name_of(service), f"{workload.place} has no port {target}", "name a containerPort")


def probes(manifests: Manifests) -> Iterator[Finding]:
    """A probe asks a port that the container has."""
    for container in manifests.containers:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.spec.get(kind, {})
            for way in ("httpGet", "tcpSocket"):
                port = probe.get(way, {}).get("port")
                if port is not None and port not in container.ports and port not in container.ports.values():
                    yield Finding(
                        "probes", container.place, f"its {kind} asks port {port}, which it has not", "name a containerPort"
                    )


def mounts(manifests: Manifests) -> Iterator[Finding]:
    """Every mount has its volume, every volume is mounted, no path twice."""
    for workload in manifests.workloads:
        used = set()
        for container in workload.containers:
            paths = [mount["mountPath"] for mount in container.mounts]
            for path in sorted({path for path in paths if paths.count(path) > 1}):
                yield Finding("mounts", container.place, f"{path} is mounted twice", "leave one out")
            for mount in container.mounts:
                used.add(mount["name"])
                if mount["name"] not in workload.volumes:
                    yield Finding(
                        "mounts", container.place, f"there is no volume {mount['name']}", "name one of the pod's volumes"
                    )
        for name in sorted(workload.volumes.keys() - used):
            yield Finding("mounts", workload.place, f"no container mounts the volume {name}", "mount it or leave it out")


def volumes(manifests: Manifests) -> Iterator[Finding]:
    """Claims, ConfigMaps and Secrets of volumes are among the documents, in the pods' namespace."""
    for workload in manifests.workloads:
        for name, volume in workload.volumes.items():
            wanted = {
                "PersistentVolumeClaim": volume.get("persistentVolumeClaim", {}).get("claimName"),
                "ConfigMap": volume.get("configMap", {}).get("name"),
            }
            for kind, target in wanted.items():
                if target is not None and manifests.find(kind, target, workload.namespace) is None:
                    yield Finding("volumes", workload.place, f"volume {name} names {kind} {target}, which is not there", "add it")


def shared_claims(manifests: Manifests) -> Iterator[Finding]:
    """A claim that pods of several kinds mount can be mounted by several nodes."""
    users: dict[tuple[str | None, str], list[str]] = {}
    for workload in manifests.workloads:
        for volume in workload.volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim is not None:
                users.setdefault((workload.namespace, claim), []).append(workload.place)
    for (namespace, claim), _ in users.items():
        found = manifests.find("PersistentVolumeClaim", claim, namespace)
        if found is not None and found["spec"].get("accessModes") != ["ReadWriteMany"]:
            yield Finding(
                "shared claims", name_of(found), "it is not ReadWriteMany", "pods of pipelines write to it from other nodes too"
            )


def budgets(manifests: Manifests) -> Iterator[Finding]:
    """A disruption budget is about pods that are there, and does not ask for more than there are."""
    for budget in manifests.of_kind("PodDisruptionBudget"):
        hit = manifests.selected(budget["spec"]["selector"]["matchLabels"], namespace_of(budget))
        if not hit:
            yield Finding("budgets", name_of(budget), "its selector fits no pod", "use the labels of a pod template")
        least = budget["spec"].get("minAvailable")
        for workload in hit:
            count = workload.document["spec"].get("replicas")
            if isinstance(least, int) and count is not None and least > count:
                yield Finding("budgets", name_of(budget), f"it wants {least} of {count} pods", "ask for no more than there are")


def autoscalers(manifests: Manifests) -> Iterator[Finding]:
    """An autoscaler's target is there, does not set its own number, and may be multiplied at all."""
    for scaler in manifests.of_kind("HorizontalPodAutoscaler"):
        reference = scaler["spec"]["scaleTargetRef"]
        target = manifests.find(reference["kind"], reference["name"], namespace_of(scaler))
        if target is None:
            yield Finding("autoscalers", name_of(scaler), f"there is no {reference['kind']} {reference['name']}", "name one")
            continue
        if "replicas" in target["spec"]:
            yield Finding("autoscalers", name_of(target), "it sets replicas, as its autoscaler does", "leave replicas out")
        (workload,) = [w for w in manifests.workloads if w.document is target]
        if any(container.words[:2] == ["tfx-rollout", "serve"] for container in workload.containers):
            yield Finding("autoscalers", name_of(scaler), "only one supervisor acts per root", "scale followers instead")
        names = {container.spec["name"]: container for container in workload.containers}
        for metric in scaler["spec"].get("metrics", ()):
            resource = metric.get("containerResource")
            if resource is None:
                continue
            measured = names.get(resource["container"])
            if measured is None:
                yield Finding("autoscalers", name_of(scaler), f"there is no container {resource['container']}", "name one")
            elif resource["name"] not in measured.spec.get("resources", {}).get("requests", {}):
                yield Finding(
                    "autoscalers", name_of(scaler), f"{measured.place} requests no {resource['name']}", "a share needs a whole"
                )


def network_policies(manifests: Manifests) -> Iterator[Finding]:
    """A policy is about pods that are there and ports that they have; and no pod is without one."""
    covered: dict[str, set[str]] = {}
    for policy in manifests.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        hit = manifests.selected(spec["podSelector"].get("matchLabels", {}), namespace_of(policy))
        if not hit:
            yield Finding("network policies", name_of(policy), "its selector fits no pod", "use the labels of a pod template")
        for workload in hit:
            covered.setdefault(workload.place, set()).update(spec.get("policyTypes", ()))
            for rule in spec.get("ingress") or ():
                if not rule.get("from"):
                    yield Finding("network policies", name_of(policy), "it lets everybody in", "say from where")
                for port in rule.get("ports", ()):
                    if not _has_port(workload, port["port"]):
                        yield Finding(
                            "network policies",
                            name_of(policy),
                            f"{workload.place} has no port {port['port']}",
                            "name a containerPort",
                        )
        for rule in spec.get("egress") or ():
            if not rule.get("to"):
                yield Finding("network policies", name_of(policy), "it lets its pods reach everything", "say what they may reach")
    for workload in manifests.workloads:
        if missing := {"Ingress", "Egress"} - covered.get(workload.place, set()):
            directions = " and ".join(sorted(missing)).lower()
            yield Finding(
                "network policies", workload.place, f"no policy is about its {directions}", "add one: nothing asks who calls"
            )


def _has_port(workload: Workload, port: Any) -> bool:
    ports: Mapping[str, int] = {name: number for c in workload.containers for name, number in c.ports.items()}
    return port in ports or port in ports.values()


RULES = (own_pods, services, probes, mounts, volumes, shared_claims, budgets, autoscalers, network_policies)
