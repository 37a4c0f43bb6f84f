from collections.abc import Sequence

import numpy as np

from tfx_rollout.model_server.dtypes import dtype_of
from tfx_rollout.model_server.runtime.base import Run
from tfx_rollout.model_server.servable import Servable, Signature, TensorInfo
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.warmup import warm_up


class RecordingSession:
    """Notes what each callable was fed; refuses when told to."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.refuse = refuse
        self.made: list[Sequence[str]] = []
        self.fed: list[Sequence[np.ndarray]] = []

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        self.made.append(feeds)

        def run(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
            self.fed.append(arrays)
            if self.refuse:
                raise ServingError(Code.INVALID_ARGUMENT, "no blanks")
            return [arrays[0] for _ in fetches]

        return run

    def close(self) -> None: ...


def servable(session: RecordingSession) -> Servable:
    text = TensorInfo("text:0", dtype_of(7), (-1,))
    image = TensorInfo("image:0", dtype_of(1), (-1, 2, 2))
    anything = TensorInfo("any:0", dtype_of(9), None)
    signatures = {
        "serving_default": Signature({"a": text, "b": image, "c": anything}, {"y": text}),
        "resource": Signature({"r": TensorInfo("r:0", dtype_of(20), ())}, {"y": text}),
        "__saved_model_init_op": Signature({}, {"op": text}),
    }
    return Servable("m", 1, session, signatures, b"")


def test_each_signature_is_made_and_run_once_on_blanks():
    session = RecordingSession()
    warm_up(servable(session))
    assert session.made == [["text:0", "image:0", "any:0"], ["r:0"]]
    ((text, image, anything),) = session.fed
    assert text.tolist() == [b""]
    assert (image.shape, image.dtype) == ((1, 2, 2), np.float32)
    assert (anything.shape, anything.dtype) == ((), np.int64)


def test_a_model_that_refuses_blanks_is_as_good_as_any():
    session = RecordingSession(refuse=True)
    warm_up(servable(session))
    assert len(session.fed) == 1
