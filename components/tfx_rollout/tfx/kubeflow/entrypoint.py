"""The command of every TFX task on open-source Kubeflow: `python -m tfx_rollout.tfx.kubeflow.entrypoint`.

It takes the arguments of TFX's own entrypoint, and hands over to it after it has made up
for what open-source KFP leaves out: the types of input artifacts, and the driver of
ExampleGen. Where the artifacts cannot be opened it says so in one sentence and does nothing.

This path is public: it is written in every pipeline that was ever compiled.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from tfx_rollout.errors import InvalidInput, RolloutError
from tfx_rollout.tfx.kubeflow.executor_input import Json, parse_json, restore_types, uris, without_logs
from tfx_rollout.tfx.kubeflow.storage import open_storage

EXECUTOR, INVOCATION, INPUTS_SPEC = (
    "--executor_class_path",
    "--json_serialized_invocation_args",
    "--json_serialized_inputs_spec_args",
)

Remedy = Callable[[Json, Json, type], Json]
"""From the executor's input, the specification of its inputs and the executor: a better input."""


def types_restored(executor_input: Json, inputs_spec: Json, executor: type) -> Json:
    """The types of input artifacts, which open-source KFP leaves out."""
    return restore_types(executor_input, inputs_spec)


def span_resolved(executor_input: Json, inputs_spec: Json, executor: type) -> Json:
    """The driver's part of ExampleGen, which open-source KFP does not run."""
    from tfx_rollout.tfx.kubeflow.example_gen import reads_files, resolve_span

    return resolve_span(executor_input) if reads_files(executor, executor_input) else executor_input


def logs_left_out(executor_input: Json, inputs_spec: Json, executor: type) -> Json:
    """KFP's own output for the log, of a type that TFX cannot import; the launcher writes it without the task."""
    return without_logs(executor_input)


REMEDIES: tuple[Remedy, ...] = (types_restored, span_resolved, logs_left_out)
"""What is done for a task before TFX's entrypoint has it, in this order."""


def run(argv: Sequence[str], remedies: Sequence[Remedy] = REMEDIES) -> None:
    """One task, in this process; raises what its executor raises. `InvalidInput` where it cannot start."""
    given, beam_args = _arguments().parse_known_args(argv)
    executor_input = parse_json(given.json_serialized_invocation_args, INVOCATION)
    inputs_spec = parse_json(given.json_serialized_inputs_spec_args, INPUTS_SPEC)
    open_storage(uris(executor_input))
    _as_an_absl_app()
    executor = _executor(given.executor_class_path)
    for remedy in remedies:
        executor_input = remedy(executor_input, inputs_spec, executor)
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_entrypoint

    arguments = argparse.Namespace(
        executor_class_path=given.executor_class_path,
        json_serialized_invocation_args=json.dumps(executor_input),
        json_serialized_inputs_spec_args=json.dumps(inputs_spec),
    )
    tfx_entrypoint.main((arguments, beam_args))


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """One task, and the end of the process with its exit code.

    The process ends without Python's own way out: libraries under TFX are known to crash
    on it ("pure virtual method called"), after the outputs are written, and the task would
    then count as failed.
    """
    try:
        run(sys.argv[1:] if argv is None else argv)
        code = 0
    except RolloutError as fault:
        print(f"error: {fault}", file=sys.stderr)
        code = fault.exit_code
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 whatever it is, the task has failed, and says why
        traceback.print_exc()
        code = 1
    _end(code)


def _end(code: int) -> NoReturn:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _as_an_absl_app() -> None:
    """What `absl.app.run` does around TFX's entrypoint: without it the executors' log is lost, and flags cannot be read."""
    from absl import flags
    from absl import logging as absl_logging

    absl_logging.use_absl_handler()
    flags.FLAGS.mark_as_parsed()


def _executor(path: str) -> type:
    """The executor's class. `InvalidInput` where the image does not have it; what its own imports raise passes."""
    from importlib import import_module

    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as fault:
        if not module or fault.name is None or not f"{module}.".startswith(f"{fault.name}."):
            raise
        raise InvalidInput(
            f"The executor {path} is not in this image (there is no module {fault.name}); "
            "build the image from the code that the pipeline was compiled from."
        ) from fault
    except (AttributeError, ValueError) as fault:
        raise InvalidInput(
            f"The executor {path} is not in this image; build the image from the code that the pipeline was compiled from."
        ) from fault
    assert isinstance(found, type)
    return found


def _arguments() -> argparse.ArgumentParser:
    parser: Any = argparse.ArgumentParser(prog="tfx_rollout.tfx.kubeflow.entrypoint", allow_abbrev=False)
    for flag in (EXECUTOR, INVOCATION, INPUTS_SPEC):
        parser.add_argument(flag, required=flag != INPUTS_SPEC, default="{}")
    assert isinstance(parser, argparse.ArgumentParser)
    return parser


if __name__ == "__main__":
    main()
