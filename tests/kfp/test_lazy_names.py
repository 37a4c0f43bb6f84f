"""The Kubeflow face's names are there when asked for, and neither they nor compiled pipelines need kfp or TFX to be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tfx_rollout.kfp


@pytest.mark.parametrize("name", tfx_rollout.kfp.__all__)
def test_every_name_is_there(name: str):
    assert getattr(tfx_rollout.kfp, name) is not None
    assert name in dir(tfx_rollout.kfp)


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="spam"):
        _ = tfx_rollout.kfp.spam


def test_reading_and_finishing_a_pipeline_imports_neither_kfp_nor_tfx():
    heavy = "{'kfp', 'tfx', 'tensorflow'} & set(sys.modules)"
    code = f"import sys, tfx_rollout.kfp as k; k.load, k.finish, k.lint; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
