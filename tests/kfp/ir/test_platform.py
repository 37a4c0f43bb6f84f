"""What Kubernetes adds is written by kfp-kubernetes itself, into the second document, for the tasks that need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tfx_rollout.kfp.ir import Documents, KubeflowSettings, finish, lint

pytestmark = pytest.mark.integration

Settings = Callable[..., KubeflowSettings]
SERVING = {"claim": "serving-root", "path": "/srv/models", "tasks": "deployment"}
CACHE = {"claim": "cache", "path": "/mnt/cache"}
KEY = {"secret": "bucket-key", "keys": {"secretkey": "AWS_SECRET_ACCESS_KEY", "accesskey": "AWS_ACCESS_KEY_ID"}}


def pods_of(documents: Documents) -> dict:
    assert documents.platform is not None
    return documents.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_without_mounts_and_secrets_there_is_no_second_document(raw: Documents, settings_of: Settings):
    assert finish(raw, settings_of()).platform is None


def test_a_mount_for_deployment_is_seen_by_its_tasks_alone(raw: Documents, settings_of: Settings):
    pods = pods_of(finish(raw, settings_of(mounts=[SERVING])))
    assert list(pods) == ["VersionedPusher_executor"]
    (mount,) = pods["VersionedPusher_executor"]["pvcMount"]
    assert (mount["constant"], mount["mountPath"]) == ("serving-root", "/srv/models")


def test_mounts_for_all_and_secrets_go_to_every_container(raw: Documents, settings_of: Settings):
    done = finish(raw, settings_of(mounts=[SERVING, CACHE], secrets=[KEY]))
    pods = pods_of(done)
    assert sorted(pods) == ["CsvExampleGen_executor", "Trainer_executor", "VersionedPusher_executor"]
    assert [mount["mountPath"] for mount in pods["Trainer_executor"]["pvcMount"]] == ["/mnt/cache"]
    assert [mount["mountPath"] for mount in pods["VersionedPusher_executor"]["pvcMount"]] == ["/srv/models", "/mnt/cache"]
    (secret,) = pods["Trainer_executor"]["secretAsEnv"]
    assert secret["secretName"] == "bucket-key"
    assert {pair["secretKey"]: pair["envVar"] for pair in secret["keyToEnv"]} == KEY["keys"]
    assert lint(done) == ()


def test_what_the_second_document_says_already_stays(raw: Documents, settings_of: Settings):
    node = {"nodeSelector": {"labels": {"disk": "fast"}}}
    before = replace(raw, platform={"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"Trainer_executor": node}}}}})
    pods = pods_of(finish(before, settings_of(mounts=[CACHE])))
    assert pods["Trainer_executor"]["nodeSelector"] == node["nodeSelector"]
    assert pods["Trainer_executor"]["pvcMount"][0]["mountPath"] == "/mnt/cache"
