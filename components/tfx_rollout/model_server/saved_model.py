"""A SavedModel folder loaded the way TensorFlow's C++ loader does it (cc/saved_model/loader.cc).

Parse, choose the meta graph by tags, import the graph, run the restore op, run the
init op with the assets' paths fed, keep the signatures. `tf.saved_model.load` is not
used: it answers models that TensorFlow Serving cannot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2

from tfx_rollout.model_server.dtypes import dtype_of
from tfx_rollout.model_server.runtime import OP_MODULES_VARIABLE, GraphSession, Runtime
from tfx_rollout.model_server.servable import Servable, Signature, TensorInfo
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.tensor_codec import decode

_INIT_OP = "__saved_model_init_op"
_MAIN_OP_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_ASSETS_COLLECTION = "saved_model_assets"


class SavedModelLoader:
    """Loads versions on one runtime, with one session configuration and set of tags."""

    def __init__(self, runtime: Runtime, *, tags: Collection[str], session_config: bytes) -> None:
        self._runtime = runtime
        self._tags = frozenset(tags)
        self._session_config = session_config

    def load(self, name: str, version: int, path: Path) -> Servable:
        """The servable of a version folder; ServingError with the loader's code and text when it cannot be."""
        meta_graph = _meta_graph(path, self._tags)
        try:
            session = self._runtime.open(meta_graph.graph_def.SerializeToString(), self._session_config)
        except ServingError as error:
            raise _explain_missing_op(error, self._runtime.name) from None
        try:
            _restore(session, meta_graph, path)
            _initialize(session, meta_graph, path)
            signatures = {key: _signature(definition) for key, definition in meta_graph.signature_def.items()}
            definitions = get_model_metadata_pb2.SignatureDefMap(signature_def=meta_graph.signature_def)
            return Servable(name, version, session, signatures, definitions.SerializeToString())
        except BaseException:
            session.close()
            raise


def _explain_missing_op(error: ServingError, runtime: str) -> ServingError:
    if "Op type not registered" not in error.message:
        return error
    mend = f"name the Python module that registers it in {OP_MODULES_VARIABLE}"
    return ServingError(
        error.code, f"{error.message} (the model needs a custom op that the {runtime} runtime does not have; {mend})"
    )


def _meta_graph(path: Path, tags: frozenset[str]) -> Any:
    model = saved_model_pb2.SavedModel()
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    try:
        if binary.is_file():
            model.ParseFromString(binary.read_bytes())
        elif text.is_file():
            text_format.Parse(text.read_text(), model)
        else:
            raise ServingError(
                Code.NOT_FOUND,
                f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. Check that the "
                "directory exists and that you have the right permissions for accessing it.",
            )
    except (DecodeError, text_format.ParseError) as error:
        raise ServingError(Code.DATA_LOSS, f"Can't parse {binary if binary.is_file() else text} as SavedModel: {error}") from None
    except OSError as error:
        raise ServingError(Code.UNKNOWN, f"{path} cannot be read: {error.strerror}") from None
    for meta_graph in model.meta_graphs:
        if frozenset(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    raise ServingError(
        Code.NOT_FOUND,
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`",
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
