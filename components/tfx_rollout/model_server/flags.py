"""The command line of `tensorflow_model_server`: every flag, its type and its default.

Form and faults follow TensorFlow's flag parser: `--flag=value`, booleans also as bare
`--flag`; a known flag whose value cannot be read is a fault, an unknown argument is
only reported. Pure: printing and exiting are `__main__`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

_INT = re.compile(r"[+-]?\d+\Z")


@dataclass(frozen=True)
class Flags:
    """Values of all flags; names, types and defaults as in model_servers/main.cc and server.h."""

    # Addresses. A port of 0 is closed.
    port: int = 8500
    grpc_socket_path: str = ""
    rest_api_port: int = 0
    rest_api_num_threads: int = 0
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    grpc_channel_arguments: str = ""
    grpc_max_threads: int = 0
    use_alts_credentials: bool = False
    ssl_config_file: str = ""
    # Models.
    model_name: str = "default"
    model_base_path: str = ""
    model_config_file: str = ""
    model_config_file_poll_wait_seconds: int = 0
    file_system_poll_wait_seconds: int = 1
    allow_version_labels_for_unavailable_models: bool = False
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    num_load_threads: int = 0
    num_unload_threads: int = 0
    flush_filesystem_caches: bool = True
    saved_model_tags: str = "serve"
    prefer_tflite_model: bool = False
    num_tflite_pools: int = 0
    num_tflite_interpreters_per_pool: int = 1
    remove_unused_fields_from_bundle_metagraph: bool = True
    enable_signature_method_name_check: bool = False
    platform_config_file: str = ""
    # Warm-up (each signature is run once on blanks; records are not replayed) and batching.
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0
    enable_batching: bool = False
    batching_parameters_file: str = ""
    enable_per_model_batching_parameters: bool = False
    # Session.
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    tensorflow_session_config_file: str = ""
    per_process_gpu_memory_fraction: float = 0.0
    mixed_precision: str = ""
    thread_pool_factory_config_file: str = ""
    xla_cpu_compilation_enabled: bool = False
    xla_gpu_compilation_enabled: bool = False
    skip_initialize_tpu: bool = False
    # Watching.
    monitoring_config_file: str = ""
    enable_profiler: bool = True
    enable_grpc_healthcheck_service: bool = False
    enable_serialization_as_tensor_content: bool = False
    version: bool = False


NOT_IN_EFFECT: dict[str, str] = {
    "rest_api_num_threads": "one event loop serves REST and gRPC",
    "num_unload_threads": "each unload has a thread of its own",
    "flush_filesystem_caches": "page caches are left to the system",
    "prefer_tflite_model": "TFLite models are not served",
    "num_tflite_pools": "TFLite models are not served",
    "num_tflite_interpreters_per_pool": "TFLite models are not served",
    "remove_unused_fields_from_bundle_metagraph": "only signatures are kept of a meta graph anyway",
    "platform_config_file": "the TensorFlow platform is the only one",
    "num_request_iterations_for_warmup": "warm-up records are not replayed",
    "enable_batching": "requests are not batched",
    "batching_parameters_file": "requests are not batched",
    "enable_per_model_batching_parameters": "requests are not batched",
    "mixed_precision": "graphs are run as they are",
    "thread_pool_factory_config_file": "TensorFlow's own thread pools are used",
    "xla_cpu_compilation_enabled": "XLA is left as the model asks for it",
    "xla_gpu_compilation_enabled": "XLA is left as the model asks for it",
    "skip_initialize_tpu": "there is no TPU support",
    "monitoring_config_file": "metrics are not exported",
    "enable_profiler": "there is no profiler service",
    "enable_grpc_healthcheck_service": "there is no health service",
    "enable_serialization_as_tensor_content": "answers always use typed fields",
}
"""Flags that are accepted without effect, and why; the one place that says so."""


@dataclass(frozen=True)
class CommandLine:
    """What a command line says.

    `given` names the flags that were set, `unknown` the arguments that are no flag of
    ours, `faults` one line per known flag whose value cannot be read (then the server
    must print the usage and exit with 255).
    """

    flags: Flags
    given: frozenset[str]
    unknown: tuple[str, ...]
    faults: tuple[str, ...]

    def without_effect(self) -> list[str]:
        """One line per flag that was set but changes nothing."""
        return [f"--{name} has no effect: {NOT_IN_EFFECT[name]}" for name in sorted(self.given & NOT_IN_EFFECT.keys())]


def parse(arguments: Sequence[str]) -> CommandLine:
    """Reads the arguments after the program's name."""
    known = {f.name: type(f.default) for f in fields(Flags)}
    values: dict[str, bool | int | float | str] = {}
    unknown: list[str] = []
    faults: list[str] = []
    for argument in arguments:
        name, separator, text = argument.removeprefix("--").partition("=")
        kind = known.get(name) if argument.startswith("--") else None
        if kind is None or (not separator and kind is not bool):
            unknown.append(argument)
            continue
        value = _value(kind, text, bare=not separator)
        if value is None:
            faults.append(f"Couldn't interpret value {text} for flag {name}.")
        else:
            values[name] = value
    return CommandLine(Flags(**values), frozenset(values), tuple(unknown), tuple(faults))  # type: ignore[arg-type]


def _value(kind: type, text: str, *, bare: bool) -> bool | int | float | str | None:
    """The value, or None where the text does not say one of this kind."""
    if kind is bool:
        return True if bare else {"true": True, "false": False}.get(text.lower())
    if kind is int:
        number = int(text) if _INT.match(text) else None
        return number if number is not None and -(2**63) <= number < 2**63 else None
    if kind is float:
        try:
            return float(text)
        except ValueError:
            return None
    return text


def usage(program: str) -> str:
    """The usage text: each flag with its type and default."""
    lines = [f"usage: {program}", "Flags:"]
    lines += [f"\t--{f.name}={f.default!r}\t{type(f.default).__name__}" for f in fields(Flags)]
    return "\n".join(lines) + "\n"
