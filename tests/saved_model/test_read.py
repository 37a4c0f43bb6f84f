"""Signatures are read from the bytes alone, and every fault is one sentence."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidModel
from tfx_rollout.saved_model import TensorSpec, read_signatures, require_signatures


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def block(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def tensor(name: str, dtype: int, dims: list[int] | None) -> bytes:
    shape = number(3, 1) if dims is None else b"".join(block(2, number(1, d)) for d in dims)
    return block(1, name.encode()) + number(2, dtype) + block(3, shape)


def signature(name: str, inputs: dict[str, bytes], outputs: dict[str, bytes]) -> bytes:
    def entries(field: int, tensors: dict[str, bytes]) -> bytes:
        return b"".join(block(field, block(1, k.encode()) + block(2, v)) for k, v in tensors.items())

    body = entries(1, inputs) + entries(2, outputs) + block(3, b"tensorflow/serving/predict")
    return block(5, block(1, name.encode()) + block(2, body))


def model(folder: Path, *tags: str, signatures: bytes = b"") -> Path:
    graph = block(1, b"".join(block(4, tag.encode()) for tag in tags)) + block(2, b"\x00" * 1000) + signatures
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(number(1, 1) + block(2, graph))
    return folder


TIP = signature("serving_default", {"miles": tensor("miles:0", 1, [-1])}, {"tip": tensor("tip:0", 1, [-1, 1])})
OPEN = signature("open", {"x": tensor("x:0", 7, None)}, {"y": tensor("y:0", 9, [])})


def test_names_dtypes_and_shapes_are_read(tmp_path: Path):
    found = read_signatures(model(tmp_path, "serve", signatures=TIP + OPEN))
    assert set(found) == {"serving_default", "open"}
    assert found["serving_default"].inputs == {"miles": TensorSpec("miles:0", "float32", (None,))}
    assert found["serving_default"].outputs == {"tip": TensorSpec("tip:0", "float32", (None, 1))}
    assert found["open"].inputs["x"] == TensorSpec("x:0", "string", None)
    assert found["open"].outputs["y"] == TensorSpec("y:0", "int64", ())
    assert found["open"].method == "tensorflow/serving/predict"


def test_the_initialisers_of_tensorflow_are_no_signatures(tmp_path: Path):
    internal = signature("__saved_model_init_op", {}, {"op": tensor("init", 0, None)})
    assert set(read_signatures(model(tmp_path, "serve", signatures=TIP + internal))) == {"serving_default"}


def test_a_folder_without_the_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidModel, match=r"has no file saved_model\.pb"):
        read_signatures(tmp_path)


def test_a_graph_without_the_serving_tag_names_the_tags_there_are(tmp_path: Path):
    with pytest.raises(InvalidModel, match=r"it has: \{eval, serve\}"):
        read_signatures(model(tmp_path, "serve", "eval", signatures=TIP))


def test_a_missing_signature_names_those_that_exist(tmp_path: Path):
    model(tmp_path, "serve", signatures=TIP + OPEN)
    with pytest.raises(InvalidModel, match=r"no signature classify \(it has: open, serving_default\)"):
        require_signatures(tmp_path, ["open", "classify"])
    assert set(require_signatures(tmp_path, ["open"])) == {"open"}


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x12\xff\xff\xff\xff\x0f"])
def test_broken_bytes_are_an_invalid_model(tmp_path: Path, content: bytes):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(InvalidModel):
        read_signatures(tmp_path)


@given(st.data())
def test_no_damage_to_the_bytes_gives_any_other_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("damaged")
    model(folder, "serve", signatures=TIP + OPEN)
    content = bytearray((folder / "saved_model.pb").read_bytes().replace(b"\x00" * 1000, b"\x08\x01" * 500))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[at] = data.draw(st.integers(0, 255))
    (folder / "saved_model.pb").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(InvalidModel):
        read_signatures(folder)
