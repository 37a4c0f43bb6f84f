"""Answers of the model service and of GetModelMetadata, as protos and as JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfx_rollout.model_server.manager import VersionStatus
from tfx_rollout.model_server.servable import Servable
from tfx_rollout.model_server.status import Code, ServingError

SIGNATURE_DEF = "signature_def"
# protobuf 5 renamed the option that prints fields which hold their default.
_PRINT_DEFAULTS = (
    "always_print_fields_with_no_presence"
    if "always_print_fields_with_no_presence" in inspect.signature(json_format.MessageToDict).parameters
    else "including_default_value_fields"
)


def status_response(statuses: Mapping[int, VersionStatus]) -> Any:
    """The GetModelStatusResponse of these versions."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version, status in statuses.items():
        entry = response.model_version_status.add(version=version, state=int(status.state))
        entry.status.SetInParent()
        if status.error is not None:
            entry.status.error_code = int(status.error.code)
            entry.status.error_message = status.error.message
    return response


def status_json(statuses: Mapping[int, VersionStatus]) -> bytes:
    """The body of GET …/models/M: int64 as strings, defaults printed."""
    entries = [
        {
            "version": str(version),
            "state": status.state.name,
            "status": {
                "error_code": (status.error.code if status.error else Code.OK).name,
                "error_message": status.error.message if status.error else "",
            },
        }
        for version, status in statuses.items()
    ]
    return (json.dumps({"model_version_status": entries}, indent=1, ensure_ascii=False) + "\n").encode()


def metadata_response(request: Any, servable: Servable) -> Any:
    """The GetModelMetadataResponse: name, numeric version and the signatures; the label is never echoed."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    for metadata_field in request.metadata_field:
        response.metadata[metadata_field].Pack(get_model_metadata_pb2.SignatureDefMap.FromString(servable.signature_defs))
    return response


def check_metadata_fields(request: Any) -> None:
    """Only `signature_def` may be asked for; ServingError INVALID_ARGUMENT otherwise."""
    if not request.metadata_field:
        raise ServingError(Code.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field")
    for metadata_field in request.metadata_field:
        if metadata_field != SIGNATURE_DEF:
            raise ServingError(Code.INVALID_ARGUMENT, f"Metadata field {metadata_field} is not supported")


def metadata_json(servable: Servable) -> bytes:
    """The body of GET …/metadata: proto field names, defaults printed."""
    signatures = get_model_metadata_pb2.SignatureDefMap.FromString(servable.signature_defs)
    options: dict[str, Any] = {"preserving_proto_field_name": True, _PRINT_DEFAULTS: True}
    document = {
        "model_spec": {"name": servable.name, "signature_name": "", "version": str(servable.version)},
        "metadata": {SIGNATURE_DEF: json_format.MessageToDict(signatures, **options)},
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
