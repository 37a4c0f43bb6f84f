"""`tfx-rollout follow`: lets model servers of your own serve what is live."""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.cli.options import root_option


@click.command()
@root_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The configuration to write: what `tensorflow_model_server --model_config_file` is given.",
)
@click.option("--every", default=1.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Write it once and end.")
def follow(root: Path, output: Path, every: float, once: bool) -> None:
    """Keep a configuration of what is live, for model servers that are not the supervisor's.

    Each model is in it with its live version alone; candidates are not. Let the servers poll it
    (`--model_config_file_poll_wait_seconds=1`). Ends at SIGTERM or Ctrl-C.
    """
    import logging

    from tfx_rollout.errors import StorageFault
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.serving.live_config import LiveConfig
    from tfx_rollout.serving.stop_signal import StopSignal

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    log = logging.getLogger("tfx_rollout.serving")
    config, stop = LiveConfig(ModelStore(root), output), StopSignal()
    first, told = True, ""
    # Also as the first process of a container, where a signal without a handler is not heard.
    with stop.heard():
        while True:
            try:
                if config.refresh():
                    live = ", ".join(f"{model} {version}" for model, version in config.served().items())
                    log.info("live: %s", live or "nothing yet")
                first, told = False, ""
            except StorageFault as fault:
                if first or once:
                    raise
                if str(fault) != told:
                    log.warning("%s What serves goes on.", fault)
                told = str(fault)
            if once or stop.wait(every):
                return
