import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tfx_rollout.model_server.dtypes import dtype_of
from tfx_rollout.model_server.predictor import Predictor, feeds_for, outputs_for
from tfx_rollout.model_server.runtime.base import Run
from tfx_rollout.model_server.servable import Servable, Signature, TensorInfo
from tfx_rollout.model_server.status import Code, ServingError


def signature(inputs: Sequence[str] = ("a", "b"), defaults: Sequence[str] = ()) -> Signature:
    infos = {name: TensorInfo(f"{name}:0", dtype_of(1), (-1,)) for name in inputs}
    outputs = {name: TensorInfo(f"{name}:0", dtype_of(1), (-1,)) for name in ("y", "z")}
    return Signature(infos, outputs, {name: np.zeros(1) for name in defaults})


def request(*names: str) -> dict[str, np.ndarray]:
    return {name: np.ones(1) for name in names}


@pytest.mark.parametrize(
    ("defaults", "sent", "text"),
    [
        (
            (),
            ("a",),
            "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}.",
        ),
        (
            (),
            ("a", "b", "c"),
            "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). Sent extra: {c}. Missing but required: {}.",
        ),
        (
            (),
            ("a", "c"),
            "Signature input alias: b(feed name: b:0) not found in request and no default value provided. "
            "Inputs expected to be in the request {a,c}, or default input alias set: ",
        ),
        (("b",), ("a", "c"), "Inputs contains invalid name. Used request inputs: a, request input: a,c"),
    ],
)
def test_inputs_that_do_not_fit_the_signature_are_told_in_tensorflow_servings_words(defaults, sent, text):
    with pytest.raises(ServingError) as caught:
        feeds_for(signature(defaults=defaults), request(*sent))
    assert caught.value.message == text


def test_a_default_stands_in_for_a_missing_input():
    feeds = feeds_for(signature(defaults=("b",)), request("a"))
    assert [f.tolist() for f in feeds] == [[1.0], [0.0]]


def test_the_filter_chooses_and_orders_the_outputs():
    assert outputs_for(signature(), []) == ("y", "z")
    assert outputs_for(signature(), ["z", "y"]) == ("z", "y")
    with pytest.raises(
        ServingError, match=r"output tensor alias not found in signature: q Outputs expected to be in the set \{y,z\}\."
    ):
        outputs_for(signature(), ["q"])
    with pytest.raises(ServingError, match="duplicate output tensor alias: y"):
        outputs_for(signature(), ["y", "y"])


class TimedSession:
    """Takes the seconds of `clock` that its first feed says, or until it is released; notes the thread it ran in."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.finished = 0
        self.clock = 0.0
        self.released = threading.Event()
        self.released.set()

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        def run(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
            self.threads.append(threading.current_thread().name)
            self.clock += float(arrays[0][0])
            assert self.released.wait(30)
            self.finished += 1
            return [arrays[0] for _ in fetches]

        return run

    def close(self) -> None: ...


@pytest.fixture
def timed(monkeypatch):
    session = TimedSession()
    monkeypatch.setattr(time, "perf_counter", lambda: session.clock)
    servable = Servable("m", 1, session, {"serving_default": signature(["a"])}, b"")
    with ThreadPoolExecutor(2, thread_name_prefix="pool") as pool:
        yield session, servable, Predictor(pool)


def test_fast_programs_move_to_the_event_loop_and_slow_ones_to_the_pool(timed):
    session, servable, predictor = timed

    async def run() -> None:
        for seconds in [0.0] * 60 + [0.03, 0.0]:
            await predictor.predict(servable, "", {"a": np.array([seconds])})

    asyncio.run(run())
    assert session.threads[0].startswith("pool")
    assert session.threads[-3] == session.threads[-2] == threading.main_thread().name
    assert session.threads[-1].startswith("pool")


def test_a_cancelled_request_holds_its_version_until_the_run_is_over(timed):
    session, servable, predictor = timed
    session.released.clear()

    async def run() -> None:
        task = asyncio.ensure_future(predictor.predict(servable, "", {"a": np.array([0.0])}))
        while not session.threads:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0.001)
        assert not task.done()
        session.released.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert session.finished == 1

    asyncio.run(run())


def test_a_signature_that_is_not_there_is_a_failed_precondition(timed):
    _, servable, predictor = timed
    with pytest.raises(ServingError) as caught:
        asyncio.run(predictor.predict(servable, "other", {}))
    assert str(caught.value) == 'FAILED_PRECONDITION: Serving signature key "other" not found.'


def test_the_method_name_is_checked_only_on_request(timed):
    _, servable, predictor = timed
    asyncio.run(predictor.predict(servable, "", {"a": np.zeros(1)}))
    with ThreadPoolExecutor(1) as pool, pytest.raises(ServingError) as caught:
        asyncio.run(Predictor(pool, check_method_name=True).predict(servable, "", {"a": np.zeros(1)}))
    assert caught.value.code is Code.INTERNAL
