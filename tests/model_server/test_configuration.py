import shutil
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from tfx_rollout.serving.grpc_stubs import grpc_api

pytestmark = pytest.mark.integration

FLAGS = ("--file_system_poll_wait_seconds=1", "--max_num_load_retries=0")


@pytest.fixture
def configured(start, wire, saved_models, tmp_path):
    """A server that polls its configuration file, and the function that writes the file."""
    config = tmp_path / "models.config"

    def write(versions: Sequence[int], *others: str, **labels: int) -> None:
        entry = wire.config_entry("affine", saved_models / "affine", versions=versions, labels=labels)
        staged = config.with_suffix(".new")
        staged.write_text(wire.config_text(entry, *others))
        staged.rename(config)

    write([1], stable=1)
    server = start(
        f"--model_config_file={config}",
        "--model_config_file_poll_wait_seconds=1",
        "--allow_version_labels_for_unavailable_models=true",
        *FLAGS,
    )
    return server, write


def labelled(server, label: str) -> int | str:
    answer = server.http.get(f"/v1/models/affine/labels/{label}/metadata").json()
    return int(answer["model_spec"]["version"]) if "model_spec" in answer else str(answer["error"])


def test_a_canary_comes_moves_up_and_the_old_version_goes(configured, wire):
    """The order of a rollout: load, label, move the label, drop; every step confirmed through the ports."""
    server, write = configured
    assert (server.states("affine"), labelled(server, "stable")) == ({1: "AVAILABLE"}, 1)
    write([1, 2], stable=1, canary=2)
    wire.await_that(lambda: labelled(server, "canary") == 2)
    assert server.states("affine") == {2: "AVAILABLE", 1: "AVAILABLE"}
    write([1, 2], stable=2)
    wire.await_that(lambda: labelled(server, "stable") == 2)
    assert labelled(server, "canary") == "Unrecognized servable version label: canary"
    write([2], stable=2)
    wire.await_that(lambda: server.states("affine") == {2: "AVAILABLE", 1: "END"})


def test_a_label_that_moves_too_early_is_refused_and_set_once_its_version_is_there(configured, wire):
    server, write = configured
    write([1, 3], stable=3)
    wire.await_that(lambda: "not currently available for inference" in server.log.read_text())
    assert (labelled(server, "stable"), server.states("affine")) == (1, {1: "AVAILABLE"})
    write([1, 3], stable=1)
    wire.await_that(lambda: server.states("affine") == {3: "AVAILABLE", 1: "AVAILABLE"})
    write([3], stable=3)
    wire.await_that(lambda: labelled(server, "stable") == 3)


def test_a_file_that_cannot_be_parsed_changes_nothing(configured, wire, tmp_path):
    server, write = configured
    (tmp_path / "models.config").write_text("model_config_list { nonsense")
    wire.await_that(lambda: "Failed to read ModelServerConfig file" in server.log.read_text())
    assert server.rest_predict("affine/labels/stable", [2]) == [2.0]
    write([2], stable=2)
    wire.await_that(lambda: server.states("affine") == {2: "AVAILABLE", 1: "END"} or labelled(server, "stable") == 1)


def test_a_new_model_that_never_loads_holds_up_no_other(configured, wire, saved_models, tmp_path):
    server, write = configured
    (tmp_path / "empty" / "1").mkdir(parents=True)
    broken = wire.config_entry("broken", tmp_path / "empty")
    write([1], broken, stable=1)
    wire.await_that(lambda: server.states("broken") == {1: "END"})
    status = server.http.get("/v1/models/broken").json()["model_version_status"][0]["status"]
    assert status["error_code"] == "NOT_FOUND"
    assert "Could not find SavedModel .pb or .pbtxt" in status["error_message"]
    write([1], broken, wire.config_entry("columns", saved_models / "columns"), stable=1)
    wire.await_that(lambda: server.states("columns") == {1: "AVAILABLE"})


def test_a_published_version_is_found_by_polling_the_file_system(start, wire, saved_models, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(saved_models / "affine" / "1", base / "1")
    server = start("--model_name=affine", f"--model_base_path={base}", *FLAGS)
    assert server.rest_predict("affine", [0]) == [1.0]
    shutil.copytree(saved_models / "affine" / "2", base / ".staging" / "2")
    (base / ".staging" / "2").rename(base / "2")
    wire.await_that(lambda: server.states("affine") == {2: "AVAILABLE", 1: "END"})
    assert server.rest_predict("affine", [0]) == [2.0]
    (base / "3").mkdir()
    wire.await_that(lambda: server.states("affine").get(3) == "END")
    assert server.rest_predict("affine", [0]) == [2.0]


def reload(server, *models: dict, timeout: float = 20):
    api = grpc_api()
    request = api.model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    for model in models:
        request.config.model_config_list.config.add(model_platform="tensorflow", **model)
    return server.model.HandleReloadConfigRequest(request, timeout=timeout)


def refused(server, *models: dict, timeout: float = 20) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        reload(server, *models, timeout=timeout)
    return caught.value.code(), caught.value.details()


def test_a_reload_request_replaces_the_configuration_and_awaits_new_models(start, saved_models, tmp_path, wire):
    server = start("--model_name=affine", f"--model_base_path={saved_models / 'affine'}", *FLAGS)
    affine = {"name": "affine", "base_path": str(saved_models / "affine")}
    columns = {"name": "columns", "base_path": str(saved_models / "columns")}
    assert reload(server, affine, columns).status.error_code == 0
    assert server.states("columns") == {1: "AVAILABLE"}

    code, text = refused(server, affine, affine)
    assert (code, text) == (grpc.StatusCode.INVALID_ARGUMENT, "Illegal to list model affine multiple times in config list")
    code, text = refused(server, {**affine, "version_labels": {"stable": 1}})
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "not currently available for inference" in text
    reload(server, {**affine, "version_labels": {"stable": 3}})
    assert labelled(server, "stable") == 3
    wire.await_that(lambda: server.states("columns") == {1: "END"})

    _refuses_a_broken_new_model(server, affine, tmp_path)
    reload(server)
    wire.await_that(lambda: set(server.states("affine").values()) == {"END"})


def _refuses_a_broken_new_model(server, affine: dict, folder: Path) -> None:
    (folder / "broken" / "4").mkdir(parents=True)
    code, text = refused(server, affine, {"name": "broken", "base_path": str(folder / "broken")})
    assert code is grpc.StatusCode.UNKNOWN
    assert text.startswith("1 model(s) did not become available: {{{name: broken version: 4} due to error: NOT_FOUND: Could not")
    missing = {"name": "missing", "base_path": str(folder / "missing")}
    assert refused(server, affine, missing, timeout=0.5)[0] is grpc.StatusCode.DEADLINE_EXCEEDED


def test_only_a_model_config_list_can_be_reloaded(server):
    request = grpc_api().model_management_pb2.ReloadConfigRequest()
    with pytest.raises(grpc.RpcError) as caught:
        server.model.HandleReloadConfigRequest(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Only ModelConfigList is currently supported" in caught.value.details()
