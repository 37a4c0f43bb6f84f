"""Settings are refused with every fault at once, and a root must be one that both KFP and TFX can open."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import KubeflowSettings
from tfx_rollout.kfp.ir.roots import root_fault


def test_every_fault_is_told_at_once_with_its_place():
    with pytest.raises(InvalidPlan) as told:
        KubeflowSettings.read(
            {
                "image": "",
                "pipeline_root": "minio://mlpipeline/v2",
                "retries": {"most": -1},
                "mounts": [{"claim": "Not_A_Name", "path": "relative"}],
                "secrets": [{"secret": "s", "keys": {}}],
                "speed": "high",
            }
        )
    places = [fault.split(":")[0] for fault in told.value.faults]
    assert sorted(places) == sorted(
        ["image", "pipeline_root", "retries.most", "mounts.0.claim", "mounts.0.path", "secrets.0.keys", "speed"]
    )


def test_the_least_that_settings_say():
    assert KubeflowSettings.read({"image": "i", "pipeline_root": "gs://b/x"}).retries.most == 2


@pytest.mark.parametrize("root", ["gs://bucket/taxi", "s3://bucket", "s3://bucket/deep/er"])
def test_buckets_that_both_know(root: str):
    assert root_fault(root) is None


@pytest.mark.parametrize(
    ("root", "mend"),
    [
        ("minio://mlpipeline/v2/artifacts", "s3://"),
        ("oci://registry/image", "gs://"),
        ("/mnt/artifacts", "gs://BUCKET"),
        ("artifacts", "gs://BUCKET"),
        ("file:///mnt/artifacts", "gs://BUCKET"),
        ("hdfs://cluster/x", "gs://BUCKET"),
        ("gs:///taxi", "BUCKET"),
        ("", "gs://BUCKET"),
    ],
)
def test_roots_that_one_of_them_cannot_open_are_refused_with_the_mend(root: str, mend: str):
    fault = root_fault(root)
    assert fault is not None
    assert mend in fault
