"""A double of a Kubeflow Pipelines server, generated from the published API: real HTTP for the real `kfp.Client`.

Routes, kinds of answers and names of query parameters are read from the classes of `kfp_server_api`;
bodies are checked against its models, with nothing unknown let through, and answers are written by
them. What lies behind is a dictionary with the server's own rules: see `KubeflowDouble`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from .double.kubeflow_double import KubeflowDouble
from .double.serving import serving


@pytest.fixture(scope="session")
def api():
    return importlib.import_module("kfp_server_api")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No settings of the person who runs the tests."""
    client = importlib.import_module("kfp.client.client").Client
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "home" / "context.json"))
    for name in ("KF_PIPELINES_ENDPOINT", "TFX_ROLLOUT_KFP_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kubeflow(api, home) -> Iterator[KubeflowDouble]:
    """A server with the pipeline taxi in two versions."""
    with serving(KubeflowDouble(api)) as double:
        double.add_pipeline("taxi", "v1", "v2")
        yield double


@pytest.fixture
def declare():
    """The schedules of a document with one of them, changed as asked."""
    from tfx_rollout.kfp.schedule import schedules_from_dict

    def declare(*names: str, **changes: Any):
        schedules = []
        for name in names or ("nightly",):
            schedule = {
                "name": name,
                "cron": "0 30 2 * * *",
                "pipeline": {"name": "taxi"},
                "pipeline_root": "gs://bucket/taxi",
                **changes,
            }
            schedules.append({key: value for key, value in schedule.items() if value is not None})
        return schedules_from_dict({"experiment": "taxi", "schedules": schedules})[1]

    return declare


@pytest.fixture
def server(kubeflow):
    """The real `kfp.Client` on the double."""
    from tfx_rollout.kfp.schedule import connect

    return connect(kubeflow.url)
