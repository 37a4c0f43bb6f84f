"""Where requests go and what is made of them, through a real Envoy before a real peer."""

from __future__ import annotations

import importlib
from dataclasses import replace

import grpc
import httpx
import pytest

from tfx_rollout.gateway import GatewayConfig, ModelRoutes
from tfx_rollout.serving import model_stub
from tfx_rollout.traffic import FULL, Split, Track

pytestmark = pytest.mark.integration


def test_a_drawn_call_gets_the_label_of_its_track_on_both_protocols(split, clients):
    split(0)
    assert clients.rest().body["path"] == "/v1/models/taxi/labels/stable:predict"
    assert clients.rest("/v1/models/taxi:classify?x=1").body["path"] == "/v1/models/taxi/labels/stable:classify?x=1"
    answer = clients.grpc()
    assert (answer.code, answer.track, answer.label, answer.version) == ("OK", "stable", "stable", 1)
    split(FULL)
    assert (clients.rest().track, clients.grpc().track, clients.grpc().label) == ("canary", "canary", "canary")


def test_large_messages_pass_whole(split, clients):
    split(0)
    answer = clients.stub.Predict(clients.request(padding=20_000_000))
    assert answer.outputs["size"].int64_val[0] > 20_000_000
    assert clients.rest(body={"x": "y" * 5_000_000}).body["size"] > 5_000_000


def test_a_body_over_the_limit_is_refused_in_words_on_both_protocols(make_gateway, peer, connect):
    gateway = make_gateway(max_request_bytes=3 * 2**20)
    gateway.start()
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: peer.upstream("stable")}),)))
    clients = connect(gateway)
    assert clients.grpc(padding=3 * 2**20 - 100).code == "OK"
    refused = clients.grpc(padding=3 * 2**20)
    assert refused.code == "RESOURCE_EXHAUSTED"
    sentence = "The request's body is larger than the 3 MiB that this gateway takes; send fewer rows at once"
    assert refused.label.startswith(sentence)
    assert clients.rest(body={"x": "y" * (3 * 2**20 - 100)}).body["size"] > 3 * 2**20 - 100
    too_large = clients.rest(body={"x": "y" * (3 * 2**20)})
    assert (too_large.code, too_large.track) == (413, "stable")
    assert too_large.body == {"error": refused.label}
    assert "--max-request-mb" in refused.label


def test_a_rest_body_of_unknown_length_is_cut_off_at_the_limit(make_gateway, peer):
    gateway = make_gateway(max_request_bytes=100_000)
    gateway.start()
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: peer.upstream("stable")}),)))

    def post(chunks):
        body = (b"x" * 10_000 for _ in range(chunks))
        return httpx.post(f"http://{gateway.address}/v1/models/taxi:predict", content=body, trust_env=False, timeout=20)

    taken = post(9)
    assert (taken.status_code, taken.json()["size"]) == (200, 90_000)
    refused = post(1000)
    assert refused.status_code == 413
    assert "0.0953674 MiB" in refused.json()["error"]


def test_a_request_that_takes_too_long_is_given_up_in_words_on_both_protocols(make_gateway, peer, connect, hold):
    gateway = make_gateway(request_timeout_s=0.3)
    gateway.start()
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: peer.upstream("stable")}),)))
    clients = connect(gateway)
    given_up = clients.grpc(hold=hold)
    assert (given_up.code, given_up.track) == ("DEADLINE_EXCEEDED", "stable")
    assert given_up.label.startswith("There was no whole answer within the 0.3 s that a request may take here;")
    by_rest = clients.rest(body={"hold": str(hold)})
    assert (by_rest.code, by_rest.track, by_rest.body) == (504, "stable", {"error": given_up.label})


def test_a_version_or_label_that_the_client_chose_stays(split, clients):
    split(FULL)
    pinned = clients.grpc(version=7)
    assert (pinned.track, pinned.version) == ("pinned", 7)
    labelled = clients.grpc(label="stable")
    assert (labelled.track, labelled.label) == ("pinned", "stable")
    for path in ("/v1/models/taxi/versions/7:predict", "/v1/models/taxi/labels/stable:predict"):
        assert (clients.rest(path).body["path"], clients.rest(path).track) == (path, "pinned")


def test_a_request_header_forces_a_track_whatever_its_weight(split, clients):
    split(0)
    assert clients.grpc(headers=[("x-model-track", "canary")]).label == "canary"
    assert clients.rest(headers={"x-model-track": "canary"}).body["path"] == "/v1/models/taxi/labels/canary:predict"
    split(FULL)
    assert clients.grpc(headers=[("x-model-track", "stable")]).label == "stable"


def test_a_canary_without_a_share_on_a_server_of_its_own_gets_what_asks_for_it_and_nothing_else(
    gateway, peer, another_peer, clients
):
    tracks = {Track.STABLE: peer.upstream("stable"), Track.CANARY: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(0)),)))
    assert {clients.grpc().track for _ in range(30)} | {clients.rest().track for _ in range(30)} == {"stable"}
    asked = {"x-model-track": "canary"}
    by_grpc, by_rest = clients.grpc(headers=list(asked.items())), clients.rest(headers=asked)
    assert (by_grpc.track, by_rest.track) == ("canary", "canary")
    assert another_peer.seen() == [
        (by_grpc.request_id, "canary"),
        (by_rest.request_id, "/v1/models/taxi/labels/canary:predict"),
    ]


def test_a_track_that_does_not_exist_cannot_be_forced(split, clients):
    split(0)
    refused = clients.rest(headers={"x-model-track": "blue"})
    assert refused.code == 404
    assert refused.body["error"] == "Model taxi has no track of the name in x-model-track; it has: stable, canary."
    assert clients.grpc(headers=[("x-model-track", "shadow")]).code == "NOT_FOUND"


def test_metadata_without_a_choice_is_that_of_the_stable_track(split, clients):
    split(FULL)
    request = clients.api.get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "taxi"
    assert clients.stub.GetModelMetadata(request).model_spec.version.value == 1
    assert clients.rest("/v1/models/taxi/metadata", method="GET").body["path"] == "/v1/models/taxi/labels/stable/metadata"


def test_status_goes_to_the_primary_server_as_it_is(split, clients):
    split(FULL)
    assert clients.rest("/v1/models/taxi", method="GET").body == {"path": "/v1/models/taxi"}
    request = clients.api.get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "taxi"
    assert model_stub(clients.channel).GetModelStatus(request).model_version_status[0].version == 9


def test_every_task_of_a_multi_inference_is_labelled(split, clients):
    split(FULL)
    inference_pb2 = importlib.import_module("tensorflow_serving.apis.inference_pb2")
    request = inference_pb2.MultiInferenceRequest()
    request.tasks.add().model_spec.name = "taxi"
    request.tasks.add().model_spec.name = "taxi"
    assert [r.model_spec.version.value for r in clients.stub.MultiInference(request).results] == [2, 2]


def test_an_unknown_model_is_answered_as_tensorflow_serving_does(split, clients):
    split(0)
    refused = clients.rest("/v1/models/tax:predict")
    assert refused.code == 404
    assert refused.body["error"].startswith("Servable not found for request: there is no model of this name;")
    assert "taxi" in refused.body["error"]
    answer = clients.grpc(model="tax")
    assert (answer.code, answer.label) == ("NOT_FOUND", refused.body["error"])
    assert clients.grpc(model="tax\nx-model-track: canary").code == "NOT_FOUND"


def test_a_request_without_a_model_is_told_so(split, clients):
    split(0)
    answer = clients.grpc(model="")
    assert answer.code == "INVALID_ARGUMENT"
    assert "model_spec.name" in answer.label


def test_servers_cannot_be_reconfigured_through_the_gateway(split, clients):
    split(0)
    request = clients.api.model_management_pb2.ReloadConfigRequest()
    with pytest.raises(grpc.RpcError) as refused:
        model_stub(clients.channel).HandleReloadConfigRequest(request)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_clients_cannot_speak_for_the_gateway_in_its_own_headers(split, clients):
    split(FULL)
    answer = clients.grpc(headers=[("x-tfs-model", "other"), ("x-tfs-pinned", "version")])
    assert (answer.track, answer.label) == ("canary", "canary")


def test_compressed_grpc_messages_are_refused_in_words(split, clients):
    split(0)
    with pytest.raises(grpc.RpcError) as refused:
        clients.stub.Predict(clients.request(padding=10_000), compression=grpc.Compression.Gzip)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "compressed" in refused.value.details()


def test_models_and_their_tracks_are_kept_apart(gateway, peer, another_peer, clients):
    tracks = {Track.STABLE: peer.upstream("stable"), Track.CANARY: another_peer.upstream("canary")}
    dotted = {Track.STABLE: another_peer.upstream("stable")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(0)), ModelRoutes("ta.i", dotted))))
    assert clients.rest("/v1/models/ta.i:predict").body["path"] == "/v1/models/ta.i/labels/stable:predict"
    assert clients.grpc(model="ta.i").track == "stable"
    # A dot in a name is no wildcard for another model.
    assert clients.rest("/v1/models/tabi:predict").code == 404


def test_a_pinned_label_finds_the_server_that_has_it(gateway, peer, another_peer, clients):
    tracks = {Track.STABLE: peer.upstream("stable"), Track.CANARY: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(0)),)))
    another_peer.stop()
    assert clients.grpc(label="stable").code == "OK"
    assert clients.rest("/v1/models/taxi/labels/stable:predict").code == 200
    assert clients.grpc(label="canary").code == "UNAVAILABLE"
    unreachable = clients.rest("/v1/models/taxi/labels/canary:predict")
    assert unreachable.code == 503
    assert "connect error" in unreachable.body["error"]


def test_a_pinned_version_finds_the_server_that_has_it(gateway, peer, another_peer, clients):
    canary = replace(another_peer.upstream("canary"), version=1_584_391_735)
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: peer.upstream("stable"), Track.CANARY: canary}, Split(0)),)))
    found = clients.grpc(version=1_584_391_735)
    assert (found.code, found.track, found.version) == ("OK", "pinned", 1_584_391_735)
    assert clients.rest("/v1/models/taxi/versions/1584391735:predict").code == 200
    another_peer.stop()
    assert clients.grpc(version=1_584_391_735).code == "UNAVAILABLE"
    assert clients.rest("/v1/models/taxi/versions/1584391735:predict").code == 503
    assert clients.grpc(version=1).code == "OK"
    assert clients.rest("/v1/models/taxi/versions/1:predict").code == 200
