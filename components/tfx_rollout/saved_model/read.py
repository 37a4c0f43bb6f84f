"""Reading a SavedModel's signatures from its `saved_model.pb`, without TensorFlow.

Field numbers from tensorflow/core/protobuf/{saved_model,meta_graph}.proto and
tensorflow/core/framework/tensor_shape.proto, which never change once released.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfx_rollout.errors import InvalidModel
from tfx_rollout.saved_model.signature import DTYPES, Shape, Signature, TensorSpec
from tfx_rollout.saved_model.wire import Malformed, fields, signed

SERVE = "serve"
"""The tag of the graph that TensorFlow Serving loads."""

_INTERNAL = ("__saved_model_init_op", "__saved_model_train_op")


def read_signatures(path: Path) -> Mapping[str, Signature]:
    """The signatures of the model in this folder, of the graph that is tagged exactly `serve`.

    Raises `InvalidModel` where there is no `saved_model.pb`, where it cannot be read, or
    where no graph in it is meant for serving.
    """
    file = path / "saved_model.pb"
    if not file.is_file():
        text = " (a saved_model.pbtxt is no substitute)" if (path / "saved_model.pbtxt").exists() else ""
        raise InvalidModel(
            str(path), f"has no file saved_model.pb{text}", "export it with model.export() or tf.saved_model.save()"
        )
    try:
        graphs = _graphs(file)
    except Malformed as fault:
        raise InvalidModel(str(path), f"has a saved_model.pb that cannot be read ({fault})", "export it again") from fault
    except OSError as fault:
        raise InvalidModel(
            str(path), f"has a saved_model.pb that cannot be opened ({fault.strerror})", "see to its permissions"
        ) from fault
    for tags, signatures in graphs:
        if tags == {SERVE}:
            return signatures
    there = "; ".join("{" + ", ".join(sorted(tags)) + "}" for tags, _ in graphs) or "no graph at all"
    raise InvalidModel(str(path), f"has no graph tagged 'serve' (it has: {there})", "export it with the tag 'serve'")


def require_signatures(path: Path, names: Iterable[str]) -> Mapping[str, Signature]:
    """The signatures of these names; `InvalidModel` names those that exist where one is missing."""
    signatures = read_signatures(path)
    wanted = list(names)
    if missing := [name for name in wanted if name not in signatures]:
        there = ", ".join(sorted(signatures)) or "none"
        raise InvalidModel(
            str(path),
            f"has no signature {', '.join(missing)} (it has: {there})",
            "export it with that signature, or ask for one of those it has",
        )
    return {name: signatures[name] for name in wanted}


def _graphs(file: Path) -> list[tuple[set[str], dict[str, Signature]]]:
    with file.open("rb") as handle:
        if file.stat().st_size == 0:
            raise Malformed("it is empty")
        # Not closed by hand: a traceback may still hold views into it, and the last of them lets go of the mapping.
        mapped = memoryview(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ))
    return [_graph(value) for number, value in fields(mapped) if number == 2 and isinstance(value, memoryview)]


def _graph(message: memoryview) -> tuple[set[str], dict[str, Signature]]:
    tags: set[str] = set()
    signatures: dict[str, Signature] = {}
    for number, value in fields(message):
        if number == 1 and isinstance(value, memoryview):
            tags |= {_text(tag) for n, tag in fields(value) if n == 4}
        elif number == 5 and isinstance(value, memoryview):
            name, body = _entry(value)
            if name not in _INTERNAL:
                signatures[name] = _signature(name, body)
    return tags, signatures


def _signature(name: str, message: memoryview) -> Signature:
    inputs: dict[str, TensorSpec] = {}
    outputs: dict[str, TensorSpec] = {}
    method = ""
    for number, value in fields(message):
        if number in (1, 2) and isinstance(value, memoryview):
            key, body = _entry(value)
            (inputs if number == 1 else outputs)[key] = _tensor(body)
        elif number == 3:
            method = _text(value)
    return Signature(name=name, method=method, inputs=dict(sorted(inputs.items())), outputs=dict(sorted(outputs.items())))


def _entry(message: memoryview) -> tuple[str, memoryview]:
    """A map's entry: key 1, value 2; either may be left out, and then is empty."""
    name, body = "", memoryview(b"")
    for number, value in fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2 and isinstance(value, memoryview):
            body = value
    return name, body


def _tensor(message: memoryview) -> TensorSpec:
    name, dtype = "", 0
    shape: Shape = ()
    for number, value in fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2 and isinstance(value, int):
            dtype = value
        elif number == 3 and isinstance(value, memoryview):
            shape = _shape(value)
    return TensorSpec(name=name, dtype=DTYPES.get(dtype, f"dtype {dtype}"), shape=shape)


def _shape(message: memoryview) -> Shape:
    dims: list[int | None] = []
    for number, value in fields(message):
        if number == 3 and value:
            return None
        if number == 2 and isinstance(value, memoryview):
            size = next((signed(v) for n, v in fields(value) if n == 1 and isinstance(v, int)), 0)
            dims.append(None if size < 0 else size)
    return tuple(dims)


def _text(value: int | memoryview) -> str:
    if isinstance(value, int):
        raise Malformed("a name is a number")
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as fault:
        raise Malformed("a name is not UTF-8") from fault
