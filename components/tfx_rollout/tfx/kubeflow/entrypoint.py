"""The command of every TFX task on open-source Kubeflow: `python -m tfx_rollout.tfx.kubeflow.entrypoint`.

It takes the arguments of TFX's own entrypoint, and hands over to it after it has made up
for what open-source KFP leaves out or adds: the types of input artifacts, the driver of
ExampleGen, an output for the log. Where the artifacts cannot be opened it says so in one
sentence and does nothing.

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
from dataclasses import dataclass, replace
from importlib import import_module
from typing import NoReturn

from tfx_rollout.errors import InvalidInput, RolloutError
from tfx_rollout.tfx.kubeflow.executor_input import Json, parse_json, restore_types, uris, without_logs
from tfx_rollout.tfx.kubeflow.storage import open_storage

EXECUTOR, INVOCATION, INPUTS_SPEC = (
    "--executor_class_path",
    "--json_serialized_invocation_args",
    "--json_serialized_inputs_spec_args",
)


@dataclass(frozen=True)
class Call:
    """What KFP's launcher asks for: one executor, once."""

    executor_path: str
    executor_input: Json
    inputs_spec: Json
    beam_args: tuple[str, ...] = ()

    @property
    def executor(self) -> type:
        """The executor's class; its import imports TFX. `InvalidInput` where the image does not have it."""
        return _imported(self.executor_path)


Remedy = Callable[[Call], Call]


def storage_opened(call: Call) -> Call:
    """The same call, once its artifacts can be opened where they lie."""
    open_storage(uris(call.executor_input))
    return call


def types_restored(call: Call) -> Call:
    """With the types of input artifacts, which open-source KFP leaves out."""
    return replace(call, executor_input=restore_types(call.executor_input, call.inputs_spec))


def logs_left_out(call: Call) -> Call:
    """Without KFP's own output for the log, whose type TFX cannot import; the launcher writes it without the task."""
    return replace(call, executor_input=without_logs(call.executor_input))


def span_resolved(call: Call) -> Call:
    """With the driver's part of ExampleGen, which open-source KFP does not run."""
    executor = call.executor
    from tfx_rollout.tfx.kubeflow.example_gen import reads_files, resolve_span

    if not reads_files(executor, call.executor_input):
        return call
    return replace(call, executor_input=resolve_span(call.executor_input))


REMEDIES: tuple[Remedy, ...] = (storage_opened, types_restored, logs_left_out, span_resolved)
"""What is done for a call before TFX's entrypoint has it, in this order."""


def run(argv: Sequence[str], remedies: Sequence[Remedy] = REMEDIES) -> None:
    """One task, in this process; raises what its executor raises, and `InvalidInput` where it cannot begin."""
    call = parsed(argv)
    for remedy in remedies:
        call = remedy(call)
    _ = call.executor
    _as_an_absl_app()
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_entrypoint

    arguments = argparse.Namespace(
        executor_class_path=call.executor_path,
        json_serialized_invocation_args=json.dumps(call.executor_input),
        json_serialized_inputs_spec_args=json.dumps(call.inputs_spec),
    )
    tfx_entrypoint.main((arguments, list(call.beam_args)))


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """One task, and the end of the process with its exit code.

    The process ends without Python's own way out: libraries under TFX are known to crash
    on it ("pure virtual method called") after the outputs are written, and the task would
    then count as failed.
    """
    try:
        run(sys.argv[1:] if argv is None else argv)
        code = 0
    except RolloutError as fault:
        print(f"error: {fault}", file=sys.stderr)
        code = fault.exit_code
    except SystemExit as asked:
        code = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except BaseException:  # noqa: BLE001 whatever it is, the task has failed, and says why
        traceback.print_exc()
        code = 1
    end(code)


def end(code: int) -> NoReturn:
    """The end of this process, at once; what was written to its streams is written."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def parsed(argv: Sequence[str]) -> Call:
    """The call in a command line; what is not ours are Beam's arguments. `InvalidInput` for JSON that is none."""
    parser = argparse.ArgumentParser(prog="tfx_rollout.tfx.kubeflow.entrypoint", allow_abbrev=False)
    parser.add_argument(EXECUTOR, required=True, help="the executor, as package.module.Class")
    parser.add_argument(INVOCATION, required=True, help="KFP's ExecutorInput as JSON")
    parser.add_argument(INPUTS_SPEC, default="{}", help="the specification of the task's inputs as JSON")
    given, beam_args = parser.parse_known_args(argv)
    return Call(
        executor_path=given.executor_class_path,
        executor_input=parse_json(given.json_serialized_invocation_args, INVOCATION),
        inputs_spec=parse_json(given.json_serialized_inputs_spec_args, INPUTS_SPEC),
        beam_args=tuple(beam_args),
    )


def _as_an_absl_app() -> None:
    """What `absl.app.run` does around TFX's entrypoint: without it the executors' log is lost, and flags cannot be read."""
    from absl import flags
    from absl import logging as absl_logging

    absl_logging.use_absl_handler()
    flags.FLAGS.mark_as_parsed()


def _imported(path: str) -> type:
    module, _, name = path.rpartition(".")
    mend = "build the image from the code that the pipeline was compiled from"
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as fault:
        # A library that the executor's own module lacks is another matter, and is told as it is.
        if fault.name is None or not f"{module}.".startswith(f"{fault.name}."):
            raise
        raise InvalidInput(f"The executor {path} is not in this image (there is no module {fault.name}); {mend}.") from fault
    except (AttributeError, ValueError) as fault:
        raise InvalidInput(f"The executor {path} is not in this image; {mend}.") from fault
    if not isinstance(found, type):
        raise InvalidInput(f"The executor {path} is no class; {mend}.")
    return found


if __name__ == "__main__":
    main()
