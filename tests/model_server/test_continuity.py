"""The promise a rollout rests on: while versions come and go, no request fails."""

import threading
import time
from collections import Counter

import grpc
import httpx
import pytest

pytestmark = pytest.mark.integration


def test_no_request_fails_while_versions_load_and_unload(start, saved_models, wire, tmp_path):
    config = tmp_path / "models.config"

    def write(*versions: int, **labels: int) -> None:
        staged = config.with_suffix(".new")
        staged.write_text(
            wire.config_text(wire.config_entry("affine", saved_models / "affine", versions=versions, labels=labels))
        )
        staged.rename(config)

    write(1, stable=1)
    flags = ("--model_config_file_poll_wait_seconds=1", "--allow_version_labels_for_unavailable_models")
    server = start(f"--model_config_file={config}", *flags)
    done = threading.Event()
    failures: list[Exception] = []
    answered: Counter[float] = Counter()

    def ask(once) -> None:
        while not done.is_set():
            try:
                answered[once()] += 1
            except (grpc.RpcError, httpx.HTTPError, AssertionError) as error:
                failures.append(error)
            time.sleep(0.002)

    request = wire.predict_request("affine", label="stable", x=wire.float32(0))
    by_grpc = lambda: server.prediction.Predict(request, timeout=10).outputs["y"].float_val[0]  # noqa: E731
    by_rest = lambda: server.rest_predict("affine/labels/stable", [0])[0]  # noqa: E731
    clients = [threading.Thread(target=ask, args=(once,)) for once in (by_grpc, by_rest)]
    for client in clients:
        client.start()
    try:
        for old, new in ((1, 2), (2, 3), (3, 1)):
            write(old, new, stable=old, canary=new)
            wire.await_that(lambda new=new: server.states("affine").get(new) == "AVAILABLE")
            write(old, new, stable=new)
            seen = answered[float(new)]
            wire.await_that(lambda new=new, seen=seen: answered[float(new)] > seen)
            write(new, stable=new)
            wire.await_that(lambda old=old: server.states("affine")[old] == "END")
    finally:
        done.set()
        for client in clients:
            client.join()
    assert failures == []
    assert set(answered) == {1.0, 2.0, 3.0}
