"""The rendered text, read by the real `ModelServerConfig` message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.serving import ServedModel, grpc_api, render_model_config

pytestmark = pytest.mark.integration


def test_the_real_message_reads_back_what_was_rendered_whatever_the_path_holds():
    from google.protobuf import text_format

    path = Path('/srv/odd "name"/back\\slash/Ünï\tcode\n')
    models = [ServedModel("taxi", path, (1, 20), {"stable": 1, "canary": 20}), ServedModel("other-1.x", Path("/srv/o"), (7,))]
    config = text_format.Parse(render_model_config(models), grpc_api().model_server_config_pb2.ModelServerConfig())
    first, second = config.model_config_list.config
    assert (first.name, first.base_path, first.model_platform) == ("taxi", str(path), "tensorflow")
    assert list(first.model_version_policy.specific.versions) == [1, 20]
    assert dict(first.version_labels) == {"stable": 1, "canary": 20}
    assert (second.name, list(second.model_version_policy.specific.versions), dict(second.version_labels)) == (
        "other-1.x",
        [7],
        {},
    )
