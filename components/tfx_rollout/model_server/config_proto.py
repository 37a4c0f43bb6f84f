"""ModelServerConfig protos and files to the values of `model_config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfx_rollout.model_server.model_config import AllVersions, Latest, ModelConfig, ServerConfig, Specific, VersionPolicy
from tfx_rollout.model_server.status import Code, ServingError


class BadTextProto(ServingError):
    """A text proto file that cannot be parsed; `detail` is protobuf's own complaint, which belongs on stderr."""

    def __init__(self, path: Path, message: Any, error: Exception) -> None:
        super().__init__(Code.INVALID_ARGUMENT, f"Invalid protobuf file: '{path}'")
        self.detail = f"Error parsing text-format {message.DESCRIPTOR.full_name}: {error}"


def read_text_proto(path: Path, message: Any) -> Any:
    """Parses the file into the message and returns it; BadTextProto or ServingError NOT_FOUND otherwise."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ServingError(Code.NOT_FOUND, f"{path}; {error.strerror}") from None
    try:
        return text_format.Parse(text, message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise BadTextProto(path, message, error) from None


def read_server_config(path: Path) -> ServerConfig:
    """The configuration in a text proto file."""
    return server_config(read_text_proto(path, model_server_config_pb2.ModelServerConfig()))


def server_config(proto: Any) -> ServerConfig:
    """The configuration a ModelServerConfig proto holds."""
    case = proto.WhichOneof("config")
    if case != "model_config_list":
        return ServerConfig(None, custom=case is not None)
    return ServerConfig(tuple(_model(m) for m in proto.model_config_list.config))


def _model(proto: Any) -> ModelConfig:
    return ModelConfig(
        name=proto.name,
        base_path=proto.base_path,
        platform=_platform(proto),
        policy=_policy(proto.model_version_policy),
        labels=dict(proto.version_labels),
        has_logging=proto.HasField("logging_config"),
    )


def _platform(proto: Any) -> str | None:
    if proto.model_type == model_server_config_pb2.MODEL_TYPE_UNSPECIFIED:
        return proto.model_platform or None
    if proto.model_platform:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            f"ModelServerConfig::model_platform, model name is {proto.name}",
        )
    if proto.model_type == model_server_config_pb2.TENSORFLOW:
        return "tensorflow"
    raise ServingError(Code.INVALID_ARGUMENT, f"ModelServerConfig::model_type choice {proto.model_type} not supported.")


def _policy(proto: Any) -> VersionPolicy:
    choice = proto.WhichOneof("policy_choice")
    if choice == "all":
        return AllVersions()
    if choice == "specific":
        return Specific(frozenset(proto.specific.versions))
    return Latest(max(proto.latest.num_versions, 1))
