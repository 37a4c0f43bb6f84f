"""What the containers run: flags by the programs' own parsers, and whether the pod around them lets them do it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
import yaml

from manifests.lint.documents import Container, Finding, Manifests, flags, name_of
from tfx_rollout.cli.app import app
from tfx_rollout.errors import InvalidInput, RolloutError
from tfx_rollout.gateway.envoy import _TERM_S as GATEWAY_END_S
from tfx_rollout.model_server.flag_rules import check_flags
from tfx_rollout.model_server.flags import parse
from tfx_rollout.model_server.status import ServingError
from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.plan_document import read_document
from tfx_rollout.supervisor.child import STOP_GRACE_S

EMBEDDED_SERVER = ["python3", "-m", "tfx_rollout.model_server"]
SERVER_GRACE_S = 10.0
"""What a model server gives running requests at its stop."""
PLANS = "-plans"
"""How the name of a ConfigMap of plans ends."""


@dataclass(frozen=True)
class Command:
    """A sub-command of `tfx-rollout` with its parameters, as the command itself reads them."""

    name: str
    parameters: dict[str, Any]


def read_command(words: Sequence[str]) -> Command:
    """Reads a command line by the command's own parser, without running it. Raises `click.UsageError`."""
    command: click.Command = app
    names: list[str] = []
    rest = list(words)
    while isinstance(command, click.Group):
        if not rest:
            raise click.UsageError(f"Missing a sub-command of {' '.join(['tfx-rollout', *names])}.")
        name, *rest = rest
        found = command.get_command(click.Context(command, info_name=name), name)
        if found is None:
            raise click.UsageError(f"No such command '{name}'.")
        names.append(name)
        command = found
    return Command(" ".join(names), command.make_context(names[-1], rest).params)


def ours(manifests: Manifests) -> Iterator[tuple[Container, Command]]:
    """Every container that runs `tfx-rollout` with flags that it takes."""
    for container in manifests.containers:
        if container.words[:1] == ["tfx-rollout"]:
            try:
                yield container, read_command(container.words[1:])
            except click.UsageError:
                continue


def flags_are_taken(manifests: Manifests) -> Iterator[Finding]:
    """The program of each container takes the flags it is given."""
    for container in manifests.containers:
        words = container.words
        if words[:1] == ["tfx-rollout"]:
            try:
                read_command(words[1:])
            except click.UsageError as error:
                yield Finding("flags", container.place, error.format_message().rstrip("."), "see tfx-rollout --help")
        elif words[:3] == EMBEDDED_SERVER or words[:1] == ["tensorflow_model_server"]:
            line = parse(words[3:] if words[:3] == EMBEDDED_SERVER else words[1:])
            for fault in (*line.faults, *(f"it has no flag {word}" for word in line.unknown), *line.without_effect()):
                yield Finding("flags", container.place, fault.rstrip("."), "see the flags of tensorflow_model_server")
            try:
                check_flags(line.flags)
            except ServingError as error:
                yield Finding("flags", container.place, error.message.rstrip("."), "see the flags of tensorflow_model_server")
        elif words[:2] == ["python3", "-m"] and len(words) > 2:
            continue  # A training of the user's own.
        elif words[:1] != ["grep"]:
            yield Finding(
                "flags",
                container.place,
                f"it runs {' '.join(words[:2]) or 'what the image says'}",
                "say which program, by `command`",
            )


def ports(manifests: Manifests) -> Iterator[Finding]:
    """What a program listens on is what the container says it has, and others can reach it."""
    for container, command in ours(manifests):
        if command.name != "serve":
            continue
        if command.parameters["port"] not in container.ports.values():
            yield Finding(
                "ports", container.place, f"it serves on {command.parameters['port']}, not on a port it names", "name it"
            )
        if command.parameters["host"] in ("127.0.0.1", "localhost", "::1"):
            yield Finding("ports", container.place, "it listens on loopback, where no other pod comes", "set --host=0.0.0.0")
    for container in manifests.containers:
        if container.words[:3] != EMBEDDED_SERVER:
            continue
        given = parse(container.words[3:]).flags
        for flag, port in (("port", given.port), ("rest_api_port", given.rest_api_port)):
            if port and port not in container.ports.values():
                yield Finding("ports", container.place, f"--{flag} is {port}, not a port it names", "name it")
        for name, number in container.ports.items():
            if number not in (given.port, given.rest_api_port):
                yield Finding(
                    "ports", container.place, f"nothing listens on its port {name} ({number})", "give the server its flag"
                )


def folders(manifests: Manifests) -> Iterator[Finding]:
    """The root lies on a claim, what belongs to one pod does not, and what is written can be written."""
    for container, command in ours(manifests):
        workload = container.workload
        root = command.parameters.get("root")
        if root is not None:
            mount = container.mount_of(str(root))
            if "persistentVolumeClaim" not in workload.volume_of(container, str(root)):
                yield Finding(
                    "folders", container.place, f"the root {root} is on no claim", "mount the claim of the models there"
                )
            elif mount is not None and mount.get("readOnly") and command.name != "follow":
                yield Finding("folders", container.place, f"the root {root} cannot be written", "leave out readOnly")
        if command.name == "serve":
            local = command.parameters["local"]
            if local is None:
                yield Finding("folders", container.place, "it has no --local", "give it a folder of the pod's own")
            elif "emptyDir" not in workload.volume_of(container, str(local)):
                yield Finding(
                    "folders", container.place, f"--local {local} is on no emptyDir", "what belongs to a pod ends with it"
                )
        output = command.parameters.get("output")
        if output is not None and "emptyDir" not in workload.volume_of(container, str(output)):
            yield Finding(
                "folders", container.place, f"{output} is on no emptyDir", "the root of the container cannot be written"
            )
    for container in manifests.containers:
        if container.spec.get("securityContext", {}).get("readOnlyRootFilesystem") and container.mount_of("/tmp") is None:
            yield Finding("folders", container.place, "it has no /tmp to write to", "mount an emptyDir there")


def configurations(manifests: Manifests) -> Iterator[Finding]:
    """A model server reads the file that its sidecar writes."""
    for workload in manifests.workloads:
        written = [
            (container, str(command.parameters["output"]))
            for container, command in ours(manifests)
            if command.name == "follow" and container.workload.document is workload.document
        ]
        for container in workload.containers:
            if container.words[:3] != EMBEDDED_SERVER:
                continue
            file = parse(container.words[3:]).flags.model_config_file
            if not any(
                workload.volume_of(c, path) == workload.volume_of(container, file) and path == file for c, path in written
            ):
                yield Finding(
                    "configurations", container.place, f"nothing in its pod writes {file or 'its configuration'}", "add it"
                )


def stopping(manifests: Manifests) -> Iterator[Finding]:
    """A pod is given the time that its program takes to stop."""
    for container in manifests.containers:
        needed = _stop_seconds(container)
        given = container.workload.pod.get("terminationGracePeriodSeconds", 30)
        if needed is not None and given < needed:
            yield Finding(
                "stopping",
                container.place,
                f"it takes up to {needed:g} s to stop and gets {given} s",
                "raise terminationGracePeriodSeconds",
            )
        if needed is not None and _pre_stop_seconds(container) < 1:
            yield Finding(
                "stopping", container.place, "it stops before every node has heard of it", "sleep some seconds in preStop"
            )


def _stop_seconds(container: Container) -> float | None:
    words = container.words
    if words[:2] == ["tfx-rollout", "serve"]:
        try:
            grace = float(read_command(words[1:]).parameters["grace"])
        except click.UsageError:
            return None
        return _pre_stop_seconds(container) + grace + GATEWAY_END_S + STOP_GRACE_S
    if words[:3] == EMBEDDED_SERVER:
        return _pre_stop_seconds(container) + SERVER_GRACE_S
    return None


def _pre_stop_seconds(container: Container) -> float:
    hook = container.spec.get("lifecycle", {}).get("preStop", {})
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    command = hook.get("exec", {}).get("command", [])
    return float(command[1]) if len(command) == 2 and command[0] == "sleep" else 0.0


def turns(manifests: Manifests) -> Iterator[Finding]:
    """One supervisor acts per root: pods of several wait their turn, and no update waits for one that waits."""
    for container, command in ours(manifests):
        if command.name != "serve":
            continue
        document = container.workload.document
        spec = document["spec"]
        place = container.workload.place
        if not command.parameters["standby"]:
            yield Finding("turns", container.place, "a pod that comes while another one acts would end", "add --standby")
        if not command.parameters["tethered"]:
            yield Finding("turns", container.place, "what it started could outlive it within the pod", "add --tethered")
        several = spec.get("replicas", 1) > 1
        if document["kind"] == "StatefulSet" and several and spec.get("updateStrategy", {}).get("type") != "OnDelete":
            yield Finding(
                "turns", place, "an update would wait for a standby to be ready, for ever", "set updateStrategy OnDelete"
            )
        if document["kind"] == "Deployment":
            strategy = spec.get("strategy", {})
            rolling = strategy.get("rollingUpdate", {})
            if several:
                yield Finding("turns", place, "a standby is never ready, so an update would not get on", "use components/standby")
            if strategy.get("type", "RollingUpdate") == "RollingUpdate" and rolling.get("maxUnavailable", 0) in (0, "0", "25%"):
                yield Finding(
                    "turns", place, "an update would wait for a pod that waits for the old one", "set maxUnavailable: 1"
                )
        if "livenessProbe" in container.spec:
            yield Finding(
                "turns", container.place, "a livenessProbe would kill a standby, which listens on nothing", "leave it out"
            )
        if "startupProbe" in container.spec:
            yield Finding(
                "turns", container.place, "a startupProbe would kill a standby, which listens on nothing", "leave it out"
            )


def plans(manifests: Manifests) -> Iterator[Finding]:
    """Every plan of a ConfigMap is a plan, and every plan that a command names is there."""
    for document in manifests.of_kind("ConfigMap"):
        if not document["metadata"]["name"].endswith(PLANS):
            continue
        for key, text in document.get("data", {}).items():
            try:
                read_document(yaml.safe_load(text), what=f"plan {key}", name=key.rpartition(".")[0])
            except (RolloutError, yaml.YAMLError) as fault:
                yield Finding("plans", name_of(document), " ".join(str(fault).split()).rstrip("."), "see docs/plan.md")
    for container in manifests.containers:
        plan = flags(container.words).get("--plan")
        if plan is None:
            continue
        if "/" not in plan:
            try:
                load_plan(plan)
            except InvalidInput as fault:
                yield Finding("plans", container.place, str(fault).rstrip("."), "see tfx-rollout plan show")
            except RolloutError as fault:
                yield Finding("plans", container.place, str(fault).rstrip("."), "see tfx-rollout plan show")
            continue
        volume = container.workload.volume_of(container, plan)
        name = volume.get("configMap", {}).get("name", "")
        held = manifests.find("ConfigMap", name, container.workload.namespace)
        if held is None or plan.rsplit("/", 1)[-1] not in held.get("data", {}):
            yield Finding("plans", container.place, f"there is no plan {plan}", "mount the ConfigMap that has it")


def schedules(manifests: Manifests) -> Iterator[Finding]:
    """A CronJob says its time zone, never runs beside itself, and makes up for no missed nights."""
    for job in manifests.of_kind("CronJob"):
        spec = job["spec"]
        if len(spec["schedule"].split()) != 5 or not all(re.fullmatch(r"[\d*/,\-A-Za-z]+", f) for f in spec["schedule"].split()):
            yield Finding("schedules", name_of(job), f"{spec['schedule']!r} has not five fields", "minute hour day month weekday")
        if "timeZone" not in spec:
            yield Finding("schedules", name_of(job), "it has no time zone", "set timeZone: Etc/UTC")
        if spec.get("concurrencyPolicy") != "Forbid":
            yield Finding("schedules", name_of(job), "it may run beside itself", "set concurrencyPolicy: Forbid")
        if spec["jobTemplate"]["spec"].get("backoffLimit") != 0:
            yield Finding("schedules", name_of(job), "a run that was rolled back would be tried again", "set backoffLimit: 0")
        if "startingDeadlineSeconds" not in spec:
            yield Finding(
                "schedules", name_of(job), "after 100 missed runs it would never start again", "set startingDeadlineSeconds"
            )


RULES = (flags_are_taken, ports, folders, configurations, stopping, turns, plans, schedules)
