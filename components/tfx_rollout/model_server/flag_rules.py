"""Combinations of flags that a server does not start with. Pure."""

from __future__ import annotations

from tfx_rollout.model_server.flags import Flags
from tfx_rollout.model_server.status import Code, ServingError


def check_flags(flags: Flags) -> None:
    """Refuses combinations that the stock server refuses, and what this one must not pretend to do (ServingError)."""
    if not flags.port and not flags.grpc_socket_path:
        raise _invalid("At least one of server_options.grpc_port or server_options.grpc_socket_path must be set.")
    if flags.use_alts_credentials and flags.ssl_config_file:
        raise _invalid("Either use_alts_credentials must be false or ssl_config_file must be empty.")
    if flags.use_alts_credentials or flags.ssl_config_file:
        raise ServingError(Code.UNIMPLEMENTED, "This model server has no secure channels; leave out the credentials flags.")
    if not flags.model_base_path and not flags.model_config_file:
        raise _invalid("Both server_options.model_base_path and server_options.model_config_file are empty!")
    if flags.batching_parameters_file and not flags.enable_batching:
        raise _invalid("server_options.batching_parameters_file is set without setting server_options.enable_batching to true.")
    session = flags.tensorflow_session_parallelism
    if session > 0 and flags.tensorflow_intra_op_parallelism > 0 and flags.tensorflow_inter_op_parallelism > 0:
        raise _invalid(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) separately. "
            "You cannot configure all."
        )


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)
