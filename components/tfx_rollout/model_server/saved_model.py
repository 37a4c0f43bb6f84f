"""A SavedModel folder loaded the way TensorFlow's C++ loader does it (cc/saved_model/loader.cc).

Parse, choose the meta graph by tags, import the graph, run the restore op, run the
init op with the assets' paths fed, keep the signatures. `tf.saved_model.load` is not
used: it answers models that TensorFlow Serving cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2

from tfx_rollout.model_server.dtypes import dtype_of
from tfx_rollout.model_server.runtime import OP_MODULES_VARIABLE, GraphSession, Runtime
from tfx_rollout.model_server.servable import Servable, Signature, TensorInfo
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.tensor_codec import decode
from tfx_rollout.model_server.warmup import warm_up
from tfx_rollout.model_server.wire import fields, payloads

_INIT_OP = "__saved_model_init_op"
_MAIN_OP_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_ASSETS_COLLECTION = "saved_model_assets"


# Field numbers of SavedModel, MetaGraphDef and MetaInfoDef (tensorflow/core/protobuf).
_META_GRAPHS = 2
_META_INFO, _GRAPH = 1, 2
_SMALL_FIELDS = frozenset({3, 4, 5, 6})  # saver, collections, signatures, asset files
_TAGS = 4

RunHeavy = Callable[[Callable[[], None]], None]


class SavedModelLoader:
    """Loads versions on one runtime, with one session configuration and set of tags.

    `run_heavy` runs the long part of a load, which leaves the interpreter's lock alone;
    it may be replaced at any time.
    """

    def __init__(
        self, runtime: Runtime, *, tags: Collection[str], session_config: bytes, warm: bool, run_heavy: RunHeavy
    ) -> None:
        self._runtime = runtime
        self._tags = frozenset(tags)
        self._session_config = session_config
        self._warm = warm
        self.run_heavy = run_heavy
        # TensorFlow's thread pools are made with the first session and inherit the priority of its thread.
        runtime.open(b"", session_config).close()

    def load(self, name: str, version: int, path: Path) -> Servable:
        """The servable of a version folder; ServingError with the loader's code and text when it cannot be."""
        meta_graph, graph_def = _read(path, self._tags)
        try:
            session = self._runtime.open(graph_def, self._session_config)
        except ServingError as error:
            raise _explain_missing_op(error, self._runtime.name) from None
        try:
            signatures = {key: _signature(definition) for key, definition in meta_graph.signature_def.items()}
            definitions = get_model_metadata_pb2.SignatureDefMap(signature_def=meta_graph.signature_def)
            servable = Servable(name, version, session, signatures, definitions.SerializeToString())

            def start() -> None:
                _restore(session, meta_graph, path)
                _initialize(session, meta_graph, path)
                if self._warm:
                    warm_up(servable)

            self.run_heavy(start)
        except BaseException:
            session.close()
            raise
        return servable


def _explain_missing_op(error: ServingError, runtime: str) -> ServingError:
    if "Op type not registered" not in error.message:
        return error
    mend = f"name the Python module that registers it in {OP_MODULES_VARIABLE}"
    return ServingError(
        error.code, f"{error.message} (the model needs a custom op that the {runtime} runtime does not have; {mend})"
    )


def _read(path: Path, tags: frozenset[str]) -> tuple[Any, bytes]:
    """The meta graph with these tags without its graph, and the graph as serialized GraphDef."""
    for encoded in payloads(_saved_model(path), _META_GRAPHS):
        small, graph, found = [], b"", frozenset[str]()
        for number, payload, whole in fields(encoded):
            if number in _SMALL_FIELDS:
                small.append(whole)
            elif number == _GRAPH:
                graph = bytes(payload)
            elif number == _META_INFO:
                found = frozenset(bytes(tag).decode() for tag in payloads(payload, _TAGS))
        if found == tags:
            return meta_graph_pb2.MetaGraphDef.FromString(b"".join(small)), graph
    raise ServingError(
        Code.NOT_FOUND,
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`",
    )


def _saved_model(path: Path) -> memoryview:
    """The serialized SavedModel of a version folder."""
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    try:
        if binary.is_file():
            data = memoryview(binary.read_bytes())
            for _ in fields(data):  # a torn file is noticed here
                pass
            return data
        if text.is_file():
            return memoryview(text_format.Parse(text.read_text(), saved_model_pb2.SavedModel()).SerializeToString())
    except (ValueError, text_format.ParseError) as error:
        raise ServingError(Code.DATA_LOSS, f"Can't parse the SavedModel in {path}: {error}") from None
    except OSError as error:
        raise ServingError(Code.UNKNOWN, f"{path} cannot be read: {error.strerror}") from None
    raise ServingError(
        Code.NOT_FOUND,
        f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. Check that the "
        "directory exists and that you have the right permissions for accessing it.",
    )


def _restore(session: GraphSession, meta_graph: Any, path: Path) -> None:
    saver = meta_graph.saver_def
    variables = path / "variables"
    if not saver.restore_op_name or not (variables / "variables.index").is_file():
        return
    prefix = _scalar(str(variables / "variables"))
    session.callable([saver.filename_tensor_name], [], [saver.restore_op_name])([prefix])


def _initialize(session: GraphSession, meta_graph: Any, path: Path) -> None:
    operation = _init_operation(meta_graph)
    if operation is None:
        return
    assets = _assets(meta_graph)
    values = [_scalar(str(path / "assets" / name)) for name in assets.values()]
    session.callable(list(assets), [], [operation])(values)


def _init_operation(meta_graph: Any) -> str | None:
    definition = meta_graph.signature_def.get(_INIT_OP) if _INIT_OP in meta_graph.signature_def else None
    if definition is not None and _INIT_OP in definition.outputs:
        return str(definition.outputs[_INIT_OP].name)
    for collection in _MAIN_OP_COLLECTIONS:
        if collection in meta_graph.collection_def:
            names = meta_graph.collection_def[collection].node_list.value
            if len(names) != 1:
                raise ServingError(Code.FAILED_PRECONDITION, "Expected exactly one main op in : the SavedModel")
            return str(names[0])
    return None


def _assets(meta_graph: Any) -> Mapping[str, str]:
    """Tensor name to asset file name."""
    definitions = list(meta_graph.asset_file_def)
    if not definitions and _ASSETS_COLLECTION in meta_graph.collection_def:
        for packed in meta_graph.collection_def[_ASSETS_COLLECTION].any_list.value:
            definition = meta_graph_pb2.AssetFileDef()
            packed.Unpack(definition)
            definitions.append(definition)
    return {d.tensor_info.name: d.filename for d in definitions}


def _scalar(text: str) -> np.ndarray:
    return np.array(text.encode(), dtype=object)


def _signature(definition: Any) -> Signature:
    return Signature(
        inputs={alias: _tensor_info(info) for alias, info in sorted(definition.inputs.items())},
        outputs={alias: _tensor_info(info) for alias, info in sorted(definition.outputs.items())},
        defaults={alias: decode(proto) for alias, proto in getattr(definition, "defaults", {}).items()},
        method_name=definition.method_name,
    )


def _tensor_info(info: Any) -> TensorInfo:
    shape = None if info.tensor_shape.unknown_rank else tuple(d.size for d in info.tensor_shape.dim)
    return TensorInfo(info.name, dtype_of(info.dtype), shape)
