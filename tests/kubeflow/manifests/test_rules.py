"""Each rule, turned red by one change to manifests that are sound."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.lint import checks
from manifests.lint.checks import lint
from manifests.lint.documents import Manifests
from manifests.lint.kustomize import json_patched

BASE, STANDBY, FOLLOWERS = "base", "overlays/standby", "overlays/followers"
PIPELINES, RETRAINING = "overlays/pipelines", "overlays/retraining"
SUPERVISOR, SERVICE, CLAIM = "Deployment tfx-rollout", "Service tfx-rollout", "PersistentVolumeClaim tfx-rollout-models"
POLICY, BUDGET, PLANS = "NetworkPolicy tfx-rollout", "PodDisruptionBudget tfx-rollout", "ConfigMap tfx-rollout-plans"
SERVERS, SCALER = "Deployment tfx-rollout-followers", "HorizontalPodAutoscaler tfx-rollout-followers"
ROLE, BINDING, PAIR = "Role tfx-rollout-pipeline", "RoleBinding tfx-rollout-pipeline", "StatefulSet tfx-rollout"
CRON = "CronJob tfx-rollout-nightly"

NIGHTLY = "CronJob tfx-rollout-nightly"

POD = "/spec/template/spec"
ONE = f"{POD}/containers/0"
"""The first container."""
JOB = "/spec/jobTemplate/spec/template/spec"
HELPER = f"{POD}/initContainers/0"
GONE = object()
"""As a value: the field is taken out."""
PORT = {"tcpSocket": {"port": "clients"}}


def flag(name: str, value: str | None) -> dict[str, str | None]:
    """As a value of args: this flag gets another value, or is taken out."""
    return {"flag": name, "value": value}


CASES: list[tuple[str, str, str, str, str, Any]] = [
    # rule, folder, document, path, value, words of the finding
    ("schema", BASE, SUPERVISOR, "/spec/replica", 1, "replica"),
    ("schema", BASE, SERVICE, "/apiVersion", "v3", "has no v3"),
    ("own pods", BASE, SUPERVISOR, "/spec/selector/matchLabels/a", "b", "does not fit"),
    ("own pods", FOLLOWERS, SERVERS, "/spec/selector/matchLabels/app.kubernetes.io~1component", GONE, "also fits"),
    ("services", BASE, SERVICE, "/spec/selector/a", "b", "fits no pod"),
    ("services", BASE, SERVICE, "/spec/ports/0/targetPort", "typo", "no port typo"),
    ("probes", BASE, SUPERVISOR, f"{ONE}/readinessProbe/httpGet/port", "typo", "port typo"),
    ("mounts", BASE, SUPERVISOR, f"{ONE}/volumeMounts/0/name", "typo", "no volume typo"),
    ("mounts", BASE, SUPERVISOR, f"{ONE}/volumeMounts/1/mountPath", "/srv/models", "mounted twice"),
    ("mounts", BASE, SUPERVISOR, f"{POD}/volumes/-", {"name": "x", "emptyDir": {"sizeLimit": "1Mi"}}, "no container mounts"),
    ("volumes", BASE, SUPERVISOR, f"{POD}/volumes/0/persistentVolumeClaim/claimName", "typo", "PersistentVolumeClaim typo"),
    ("volumes", BASE, SUPERVISOR, f"{POD}/volumes/2/configMap/name", "typo", "ConfigMap typo"),
    ("shared claims", BASE, CLAIM, "/spec/accessModes", ["ReadWriteOnce"], "not ReadWriteMany"),
    ("budgets", BASE, BUDGET, "/spec/selector/matchLabels/a", "b", "fits no pod"),
    ("budgets", BASE, BUDGET, "/spec/minAvailable", 2, "2 of 1"),
    ("autoscalers", FOLLOWERS, SCALER, "/spec/scaleTargetRef/name", "typo", "no Deployment typo"),
    ("autoscalers", FOLLOWERS, SERVERS, "/spec/replicas", 3, "sets replicas"),
    ("autoscalers", FOLLOWERS, SCALER, "/spec/scaleTargetRef/name", "tfx-rollout", "only one supervisor"),
    ("autoscalers", FOLLOWERS, SCALER, "/spec/metrics/0/containerResource/container", "typo", "no container typo"),
    ("autoscalers", FOLLOWERS, SERVERS, f"{ONE}/resources/requests/cpu", GONE, "requests no cpu"),
    ("network policies", BASE, POLICY, "/spec/podSelector/matchLabels/a", "b", "fits no pod"),
    ("network policies", BASE, POLICY, "/spec/ingress/0/from", GONE, "lets everybody in"),
    ("network policies", BASE, POLICY, "/spec/ingress/0/ports/0/port", "typo", "no port typo"),
    ("network policies", BASE, POLICY, "/spec/egress/0/to", GONE, "reach everything"),
    ("network policies", BASE, POLICY, "/spec/policyTypes", ["Ingress"], "no policy is about its egress"),
    ("images", BASE, SUPERVISOR, f"{ONE}/image", "nginx", "not built here"),
    ("images", BASE, SUPERVISOR, f"{ONE}/image", "r.example.com/tfx-rollout:latest", "another one tomorrow"),
    ("security", BASE, SUPERVISOR, f"{POD}/securityContext/runAsNonRoot", False, "as root"),
    ("security", BASE, SUPERVISOR, f"{POD}/securityContext/seccompProfile", GONE, "no seccomp"),
    ("security", BASE, SUPERVISOR, f"{POD}/hostNetwork", True, "hostNetwork"),
    ("security", BASE, SUPERVISOR, f"{POD}/volumes/3", {"name": "tmp", "hostPath": {"path": "/tmp"}}, "folder of the node"),
    ("security", BASE, SUPERVISOR, f"{ONE}/securityContext/readOnlyRootFilesystem", GONE, "readOnlyRootFilesystem"),
    ("security", BASE, SUPERVISOR, f"{ONE}/securityContext/allowPrivilegeEscalation", True, "allowPrivilegeEscalation"),
    ("security", BASE, SUPERVISOR, f"{ONE}/securityContext/privileged", True, "privileged"),
    ("security", BASE, SUPERVISOR, f"{ONE}/securityContext/capabilities/add", ["NET_ADMIN"], "capabilities"),
    ("security", FOLLOWERS, SERVERS, f"{HELPER}/securityContext/readOnlyRootFilesystem", GONE, "follow: readOnly"),
    ("users", BASE, SUPERVISOR, f"{POD}/securityContext/runAsUser", 1000, "runs as 1000:10001"),
    ("users", BASE, SUPERVISOR, f"{POD}/securityContext/fsGroup", GONE, "fsGroup"),
    ("resources", BASE, SUPERVISOR, f"{ONE}/resources/requests/cpu", GONE, "no cpu"),
    ("resources", BASE, SUPERVISOR, f"{ONE}/resources/limits/memory", GONE, "no limit"),
    ("resources", BASE, SUPERVISOR, f"{POD}/volumes/3/emptyDir", {}, "fill the node"),
    ("flags", BASE, SUPERVISOR, f"{ONE}/args/-", "--tetherd", "No such option"),
    ("flags", BASE, SUPERVISOR, f"{ONE}/args/0", "server", "No such command"),
    ("flags", BASE, SUPERVISOR, f"{ONE}/args", flag("--port", "http"), "not a valid int"),
    ("flags", BASE, SUPERVISOR, f"{ONE}/args/1", GONE, "Missing argument 'ROOT'"),
    ("flags", BASE, SUPERVISOR, f"{ONE}/command", ["sh", "-c"], "which program"),
    ("flags", FOLLOWERS, SERVERS, f"{ONE}/args/-", "--rest_port=8501", "no flag --rest_port=8501"),
    ("flags", FOLLOWERS, SERVERS, f"{ONE}/args", flag("--port", "grpc"), "Couldn't interpret"),
    ("flags", FOLLOWERS, SERVERS, f"{ONE}/args/-", "--enable_batching=true", "has no effect"),
    ("flags", FOLLOWERS, SERVERS, f"{ONE}/args", flag("--model_config_file", None), "are empty"),
    ("flags", FOLLOWERS, SERVERS, f"{HELPER}/args", flag("--output", None), "Missing option '--output'"),
    ("ports", BASE, SUPERVISOR, f"{ONE}/args", flag("--port", "8600"), "serves on 8600"),
    ("ports", BASE, SUPERVISOR, f"{ONE}/args", flag("--host", "127.0.0.1"), "loopback"),
    ("ports", FOLLOWERS, SERVERS, f"{ONE}/args", flag("--port", "8600"), "--port is 8600"),
    ("ports", FOLLOWERS, SERVERS, f"{ONE}/args", flag("--rest_api_port", None), "nothing listens"),
    ("folders", BASE, SUPERVISOR, f"{ONE}/args/1", "/srv/other", "on no claim"),
    ("folders", BASE, SUPERVISOR, f"{ONE}/volumeMounts/0/readOnly", True, "cannot be written"),
    ("folders", BASE, SUPERVISOR, f"{ONE}/args", flag("--local", None), "has no --local"),
    ("folders", BASE, SUPERVISOR, f"{ONE}/args", flag("--local", "/srv/models/local"), "on no emptyDir"),
    ("folders", BASE, SUPERVISOR, f"{ONE}/volumeMounts/3", GONE, "no /tmp"),
    ("folders", FOLLOWERS, SERVERS, f"{HELPER}/args", flag("--output", "/etc/models.config"), "on no emptyDir"),
    (
        "configurations",
        FOLLOWERS,
        SERVERS,
        f"{ONE}/args",
        flag("--model_config_file", "/other"),
        "nothing in its pod writes",
    ),
    ("stopping", BASE, SUPERVISOR, f"{ONE}/args", flag("--grace", "60"), "takes up to"),
    ("stopping", BASE, SUPERVISOR, f"{POD}/terminationGracePeriodSeconds", GONE, "gets 30 s"),
    ("stopping", BASE, SUPERVISOR, f"{ONE}/lifecycle", GONE, "has heard of it"),
    ("stopping", FOLLOWERS, SERVERS, f"{POD}/terminationGracePeriodSeconds", 10, "takes up to 15 s"),
    ("turns", BASE, SUPERVISOR, f"{ONE}/args", flag("--standby", None), "would end"),
    ("turns", BASE, SUPERVISOR, f"{ONE}/args", flag("--tethered", None), "outlive it"),
    ("turns", BASE, SUPERVISOR, "/spec/strategy/rollingUpdate/maxUnavailable", 0, "waits for the old one"),
    ("turns", BASE, SUPERVISOR, "/spec/replicas", 2, "would not get on"),
    ("turns", STANDBY, PAIR, "/spec/updateStrategy/type", "RollingUpdate", "for ever"),
    ("turns", BASE, SUPERVISOR, f"{ONE}/livenessProbe", PORT, "livenessProbe"),
    ("turns", BASE, SUPERVISOR, f"{ONE}/startupProbe", PORT, "startupProbe"),
    ("plans", BASE, PLANS, "/data/nightly.yaml", "alpha: 1.5", "alpha is 1.5"),
    ("accounts", BASE, SUPERVISOR, f"{POD}/serviceAccountName", GONE, "default account"),
    ("accounts", BASE, SUPERVISOR, f"{POD}/serviceAccountName", "typo", "no service account typo"),
    ("accounts", BASE, SUPERVISOR, f"{POD}/automountServiceAccountToken", True, "nothing to do with it"),
    ("roles", PIPELINES, ROLE, "/rules/0/verbs", ["*"], "wildcard"),
    ("roles", PIPELINES, ROLE, "/rules/0/verbs", ["escalate"], "may escalate"),
    ("roles", PIPELINES, ROLE, "/rules/2/resourceNames", GONE, "reads all secrets"),
    ("roles", PIPELINES, ROLE, "/kind", "ClusterRole", "every namespace"),
    ("bindings", PIPELINES, BINDING, "/roleRef/name", "typo", "no Role typo"),
    ("bindings", PIPELINES, BINDING, "/subjects/0/namespace", GONE, "has no namespace"),
    ("bindings", PIPELINES, BINDING, "/subjects/0/namespace", "other", "in other"),
    ("bindings", PIPELINES, BINDING, "/subjects/0/name", "typo", "no service account typo"),
    ("plans", RETRAINING, NIGHTLY, f"{JOB}/containers/0/args", flag("--plan", "/etc/tfx-rollout/plans/x.yaml"), "no plan"),
    ("plans", RETRAINING, NIGHTLY, f"{JOB}/containers/0/args", flag("--plan", "defualt"), "defualt"),
    ("flags", RETRAINING, NIGHTLY, f"{JOB}/initContainers/3/args", flag("--output-file", "bless=/x"), "no value 'bless'"),
    ("schedules", RETRAINING, NIGHTLY, "/spec/schedule", "0 30 2 * * *", "has not five fields"),
    ("schedules", RETRAINING, NIGHTLY, "/spec/timeZone", GONE, "no time zone"),
    ("schedules", RETRAINING, NIGHTLY, "/spec/concurrencyPolicy", "Allow", "beside itself"),
    ("schedules", RETRAINING, NIGHTLY, "/spec/jobTemplate/spec/backoffLimit", 3, "tried again"),
    ("schedules", RETRAINING, NIGHTLY, "/spec/startingDeadlineSeconds", GONE, "never start again"),
]


@pytest.mark.parametrize(
    ("rule", "folder", "name", "path", "value", "words"), CASES, ids=[f"{case[0]}: {case[5]}" for case in CASES]
)
def test_one_change_turns_it_red(documents, rule: str, folder: str, name: str, path: str, value: Any, words: str):
    sound = documents(folder)
    broken = [changed(d, path, value) if f"{d['kind']} {d['metadata']['name']}" == name else d for d in sound]
    assert broken != sound
    # The rules alone: a schema is long, and what it says has cases of its own.
    found = lint(broken) if rule == "schema" else [finding for each in checks.RULES for finding in each(Manifests(broken))]
    assert [str(finding) for finding in found if finding.rule == rule and words in str(finding)], [str(f) for f in found]


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and "flag" in value:
        args = document
        for part in path.lstrip("/").split("/"):
            args = args[int(part)] if isinstance(args, list) else args[part]
        kept = [word for word in args if word.split("=")[0] != value["flag"]]
        value = kept if value["value"] is None else [*kept, f"{value['flag']}={value['value']}"]
    if value is GONE:
        return json_patched(document, [{"op": "remove", "path": path}], "test")
    at_index = path.rsplit("/", 1)[-1].isdecimal()
    return json_patched(document, [{"op": "replace" if at_index else "add", "path": path, "value": value}], "test")


def test_every_rule_is_turned_red_by_one_of_these():
    """A rule that no change can turn red checks nothing."""
    everything = {case[0] for case in CASES}
    said = {rule.__name__.replace("_", " ").replace("flags are taken", "flags") for rule in checks.RULES}
    assert said <= everything


def test_a_finding_is_one_sentence_with_fault_place_and_mend(documents):
    broken = [changed(d, f"{ONE}/image", "nginx") if d["kind"] == "Deployment" else d for d in documents(BASE)]
    (finding,) = lint(broken)
    assert str(finding) == (
        "Deployment tfx-rollout, container supervisor: nginx is not built here; use tfx-rollout-tfx or tfx-rollout. [images]"
    )


def test_documents_without_kind_are_told_and_stop_nothing():
    found = lint([{"apiVersion": "v1", "metadata": {"name": "x"}}])
    assert [finding.rule for finding in found] == ["schema"]
    assert Manifests([]).workloads == []
