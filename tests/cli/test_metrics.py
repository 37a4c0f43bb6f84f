"""`tfx-rollout metrics` on an access log as the gateway writes it."""

from __future__ import annotations

import itertools
import time

import pytest

from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.model_store import ModelStore

T0 = 10.0 * (time.time() // 10) - 300
"""Some minutes ago: what is older is kept in coarser steps."""


@pytest.fixture
def root(tmp_path):
    """A root where in a minute stable answered 60 requests and the canary failed 3 of 12."""
    store = ModelStore(tmp_path / "root")
    folder = store.gateway_dir / "access"
    folder.mkdir(parents=True)
    store.model("taxi").create()
    numbers = itertools.count()

    def line(end: float, **fields: object) -> str:
        values = {
            "start": f"{end - 0.005:.6f}",
            "emitted": f"{end:.6f}",
            "kind": "DownstreamEnd",
            "connection": next(numbers),
            "http_code": 200,
            "received_us": 0,
            "answered_us": 5000,
            "attempts": 1,
            "request_id": f"id-{next(numbers)}",
            **fields,
        }
        return " ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n"

    def request(at: float, track: str, version: int, code: int = 0) -> str:
        cluster = f"taxi~{track}~grpc"
        return line(at, route="draw/taxi/grpc", cluster=cluster, grpc_code=code, version=version)

    lines = [(T0 + second, request(T0 + second, "stable", 1)) for second in range(60)]
    lines += [(T0 + 5 * n, request(T0 + 5 * n, "canary", 2, 3 if n < 3 else 0)) for n in range(12)]
    lines += [(T0 + 120, line(T0 + 120, route="heartbeat", attempts=0))]
    (folder / f"{round(T0 * 1000)}.log").write_text("".join(text for _, text in sorted(lines)))
    return store.root


def span(*more: object) -> tuple[object, ...]:
    return ("--model", "taxi", "--since", T0, "--until", T0 + 60, *more)


def test_a_row_for_each_track_and_version_and_what_failures_said(run, root):
    shown = run("metrics", "--root", root, *span("--step", "10s"))
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].endswith(", in steps of 10 s")
    stable, canary = (next(line for line in lines if line.split()[:1] == [track]).split() for track in ("stable", "canary"))
    assert stable[:6] == ["stable", "1", "60", "1", "0", "0.00%"]
    assert canary[:6] == ["canary", "2", "12", "0.2", "3", "25.00%"]
    assert "canary version 2 failed with: INVALID_ARGUMENT 3" in shown.stdout


def test_the_same_by_the_api(run, root, serve_api):
    here, url = run("metrics", "--root", root, *span()).stdout, serve_api(root)
    # The API has yet to read the log when it is asked first.
    deadline = time.monotonic() + 30
    while (there := run("metrics", "--server", url, *span()).stdout) != here:
        assert time.monotonic() < deadline, there


def test_a_span_without_requests_says_so(run, root):
    shown = run("metrics", "--root", root, "--model", "taxi", "--since", T0 + 70, "--until", T0 + 100)
    assert "No request came in this time." in shown.stdout
