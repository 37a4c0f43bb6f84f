"""`make demo`: from taxi trips to a live serving of several versions, with one good and one bad surprise.

    1  span 1 is trained; nothing is live, so version 1 goes live after infra validation
    2  held-back trips are replayed through the gateway from here on
    3  span 2 is trained; version 2 is canaried and promoted
    4  span 3 is trained with a fault that only live traffic shows; version 3 is rolled back
    5  every recorded answer is held against what was allowed when it was asked for

Ends with exit code 0 only if all of that came true; otherwise 1, and the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from taxi.demo.calls import curl_line, grpc_script, try_curl, try_script
from taxi.demo.findings import Findings, judge_answers
from taxi.demo.live_setup import LiveSetup
from taxi.demo.live_traffic import LiveTraffic
from taxi.demo.settings import DEMO, HARMFUL, MODEL, PLAN, RATE, SEED
from taxi.demo.summary import print_findings, print_rollouts, print_versions
from taxi.spans import write_spans
from tfx_rollout.control.remote import RemoteControl
from tfx_rollout.errors import RolloutError
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.model_store.control_file import read_lines
from tfx_rollout.rollout import build_report, list_rollouts, load_plan, read_rollout
from tfx_rollout.serving import free_port

WIDE = 160
"""Columns of what goes to a file or a pipe."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


class DemoFailed(Exception):
    """A step that did not come out as it must; says which and why."""


def main() -> int:
    """Run the demo; the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A SIGTERM ends the demo as Ctrl-C does: what it started is stopped first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        demo(keep=bool(os.environ.get("KEEP")))
    except (DemoFailed, RolloutError) as fault:
        console.print(Text.assemble("\n", ("The demo failed:", "bold red"), f" {fault}"))
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 130
    return 0


def demo(*, keep: bool) -> None:
    """All steps, and the closing tables."""
    began = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    root = DEMO / "serving"
    root.mkdir(parents=True)
    with ExitStack() as stack:
        with step("Cutting the Chicago taxi trips into spans by time"):
            spans = write_spans(DEMO / "data")
        with step("Starting the live setup: supervisor and gateway"):
            live = stack.enter_context(LiveSetup(root, free_port("127.0.0.1"), tell=serving_line))
            console.print(f"  The gateway speaks REST and gRPC on {live.gateway}. Watch and steer it: {live.page}")
        plan = load_plan(PLAN)
        console.print(
            f"  Rollouts follow the plan '{PLAN}', which is not the default one: windows of {plan.window_seconds:g} s and "
            f"{len(plan.stages)} stages, with the same bounds alpha {plan.alpha:g} and beta {plan.beta:g}."
        )
        with step("Loading TFX (half a minute)"):
            from taxi.run import run
        base = ModelStore(root).model(MODEL)
        traffic = LiveTraffic(
            gateway=live.gateway, model=MODEL, trips=spans.held_back, rate=RATE, seed=SEED, answers=DEMO / "answers.jsonl"
        )
        stack.callback(traffic.kill)

        def train(span: int, expected: str, trainer_options: dict[str, str] | None = None) -> None:
            run(
                data=spans.folder,
                span=span,
                pipeline_root=DEMO / "pipeline",
                serving={"root": str(root), "model": MODEL},
                plan=PLAN,
                trainer_options=trainer_options,
                tell=pipeline_line,
            )
            require(base, span, expected)

        with step("Span 1: the first version"):
            train(1, "first_version")
        with step(f"Replaying held-back trips from here on: {RATE:g} per second, half REST, half gRPC"):
            traffic.start()
        with step("Span 2: a sound successor"):
            train(2, "promoted")
        with step("Span 3: a model that fails on taxi companies it was not trained on"):
            train(3, "rolled_back", {"unknown_company": "fail"})
        with step("Holding every answer against what was allowed when it was asked for"):
            summary = traffic.stop()
            console.print("  " + summary.strip().replace("\n", "\n  "))
            findings = judge_answers(read_answers(traffic.answers), base.history(), HARMFUL)
            require_clean(findings)
        close(base, live, findings, spans.held_back)
        console.print(f"\nThe demo took {(time.monotonic() - began) / 60:.1f} minutes.")
        if keep:
            console.print("\nServing until Ctrl-C.")
            with suppress(KeyboardInterrupt):
                live.wait()


@contextmanager
def step(title: str) -> Iterator[None]:
    """One step: its title before, its time after."""
    console.print(f"\n[bold]▸ {title}[/]")
    began = time.monotonic()
    yield
    console.print(f"  [dim]{time.monotonic() - began:.0f} s[/]")


def serving_line(line: str) -> None:
    """An event of the supervisor."""
    console.print(Text.assemble("  ", ("serving", "cyan"), "   ", line))


def pipeline_line(line: str) -> None:
    """An event of the pipeline."""
    console.print(Text.assemble("  ", ("pipeline", "magenta"), "  ", line))


def require(base: BasePath, version: int, expected: str) -> None:
    """The newest rollout is of this version and came out as expected."""
    rollouts = list_rollouts(base)
    if not rollouts or rollouts[-1].version != version:
        raise DemoFailed(f"version {version} was never rolled out; the lines above say why.")
    last = rollouts[-1]
    if last.outcome != expected:
        raise DemoFailed(
            f"version {version} should have been {expected.replace('_', ' ')}, but: {last.outcome or last.phase} ({last.reason})"
        )
    if expected == "rolled_back" and not any(event["event"] == "regressed" for event in read_rollout(base, last.id).events):
        raise DemoFailed(f"version {version} was rolled back, but not by the judge: {last.reason}")


def require_clean(findings: Findings) -> None:
    """No failure but by the harmful version, and no answer by a version that was not allowed."""
    if findings.unexplained:
        raise DemoFailed(
            f"{len(findings.unexplained)} requests failed that the harmful version did not answer, "
            f"such as {findings.unexplained[0]}"
        )
    if findings.inconsistent:
        raise DemoFailed(
            f"{len(findings.inconsistent)} answers came from a version that was not allowed, such as {findings.inconsistent[0]}"
        )


def read_answers(path: Path) -> Iterator[dict[str, object]]:
    """The recorded answers."""
    yield from read_lines(path)


def require_same_over_http(page: str, base: BasePath) -> None:
    """What the API says of the model is what the files say."""
    told = RemoteControl(page).model(base.name)
    desired = base.desired()
    if (told.generation, told.labels) != (desired.generation, {str(label): v for label, v in desired.labels.items()}):
        raise DemoFailed(f"the API at {page} tells of generation {told.generation} with {told.labels}, the files of {desired}")


def close(base: BasePath, live: LiveSetup, findings: Findings, trips: Path) -> None:
    """The tables, and two calls that are tried before they are shown."""
    reports = [build_report(read_rollout(base, state.id)) for state in list_rollouts(base)]
    observed = base.observed()
    console.rule("The live setup")
    if observed is not None:
        print_versions(console, base.versions(), base.desired(), observed)
    require_same_over_http(live.page, base)
    print_rollouts(console, reports)
    print_findings(console, findings, reports[-1])
    with trips.open(encoding="utf-8") as lines:
        trip = json.loads(lines.readline())
    line = curl_line(live.gateway, MODEL, trip)
    script = DEMO / "predict.py"
    script.write_text(grpc_script(live.gateway, MODEL, trip))
    for call, fault in (("curl", try_curl(line)), ("gRPC", try_script(script, sys.executable))):
        if fault is not None:
            raise DemoFailed(f"the {call} call to paste does not work: {fault}")
    console.print(
        "\n[bold]Ask it yourself[/] (both were just tried"
        + ("" if os.environ.get("KEEP") else "; run with KEEP=1 to leave it serving")
        + f"), or watch and steer it on the page: {live.page}\n",
    )
    console.print(line, markup=False)
    console.print(f"\n# {script.relative_to(DEMO.parent)}, to be run by .venv/bin/python", markup=False)
    console.print(script.read_text(), markup=False)


if __name__ == "__main__":
    sys.exit(main())
