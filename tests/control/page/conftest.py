"""A root whose API really runs, and a browser to look at its page."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.evidence.cohort_source import FeedbackCohorts
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import list_experiments, read_experiment
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import RolloutState, list_rollouts
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.testing import Behaviour, ManualClock, ServedRoot, SimulatedServing
from tfx_rollout.testing.users import Habit, SimulatedUsers
from tfx_rollout.traffic import Label, Track

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
HELD = 3600.0
"""A served root with this pause stands still, so that page and API can be compared."""

expect.set_options(timeout=15_000)


class Site:
    """A root and the process of its API. There is a token for each role."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.store = ModelStore(scratch / "root")
        self._models = itertools.count()
        tokens = TokenFile(self.store.access_dir)
        self.tokens = {role: tokens.create(TokenWanted(name=f"{role}-er", role=role), by="root").secret for role in Role}
        # Bound as long as the site is there, so that nobody takes the port while the API is away.
        self._taken = socket.socket()
        self._taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._taken.bind(("127.0.0.1", 0))
        self.port = self._taken.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts the API's process, and returns when it answers."""
        command = [sys.executable, "-m", "tfx_rollout.control", "--root", str(self.store.root), "--port", str(self.port)]
        self._process = subprocess.Popen([*command, "--requests-per-second", "1000", "--burst", "10000"])
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.address}/healthz").raise_for_status()
                return
            except httpx.TransportError:
                assert self._process.poll() is None, "the API did not start"
                assert time.monotonic() < until, "the API does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        """Ends the API's process at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def end(self) -> None:
        """Ends the API's process, and gives its port back."""
        self.kill()
        self._taken.close()

    def ask(self, method: str, path: str, role: Role = Role.ADMIN, match: str | None = None, **more: Any) -> Any:
        """What the API answers, as a document. `match`: for If-Match."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **({} if match is None else {"If-Match": match})}
        answer = httpx.request(method, f"{self.address}/v1/{path}", headers=headers, timeout=30, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def faults(self, plan: dict[str, Any]) -> list[dict[str, str]]:
        """What the API finds wrong with a plan."""
        headers = {"Authorization": f"Bearer {self.tokens[Role.READ]}"}
        found: list[dict[str, str]] = httpx.post(f"{self.address}/v1/plans/check", json=plan, headers=headers).json()["errors"]
        return found

    def model(self) -> BasePath:
        """A new model of which version 1 is live, and 2 and 3 are published."""
        base = self.store.model(f"taxi-{next(self._models)}")
        for mark in ("one", "two", "three"):
            source = self.scratch / f"{base.name}-{mark}"
            source.mkdir()
            (source / "saved_model.pb").write_bytes(f"{base.name} {mark}".encode())
            base.publish(source, provenance={"run": mark})
        base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
        return base

    def write_traffic(self, model: str, rows: list[tuple[float, str, int, float, int]]) -> None:
        """What the gateway logs of requests: when each ended, its track, version, milliseconds and gRPC status."""
        folder = self.store.gateway_dir / "access"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for number, (end, track, version, ms, code) in enumerate(rows):
            values = {
                "start": f"{end - ms / 1000:.6f}",
                "emitted": f"{end:.6f}",
                "kind": "DownstreamEnd",
                "connection": number,
                "route": f"draw/{model}/grpc",
                "cluster": f"{model}~{track}~grpc",
                "http_code": 200,
                "grpc_code": code,
                "received_us": 0,
                "answered_us": round(ms * 1000),
                "attempts": 1,
                "request_id": f"{model}-{number}",
                "version": version,
            }
            lines.append(" ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n")
        (folder / f"{round(1000 * (rows[0][0] - 1))}.log").write_text("".join(lines))


@contextmanager
def new_site() -> Iterator[Site]:
    memory = Path("/dev/shm")
    scratch = Path(tempfile.mkdtemp(prefix="page-", dir=memory if os.access(memory, os.W_OK) else None))
    made = Site(scratch)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(scratch)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The one that tests have in common; its process is not to be ended."""
    with new_site() as made:
        yield made


@pytest.fixture
def own_site() -> Iterator[Site]:
    """One for a test that ends its process: what goes wrong there harms no other test."""
    with new_site() as made:
        yield made


@pytest.fixture
def served() -> Iterator[Callable[..., ServedRoot]]:
    """`served(base, failures=0.3, pause=0.1)`: the root is served, with this model's rollouts, until the test ends."""
    open_ones: list[ServedRoot] = []

    def served(base: BasePath, *, failures: float = 0.0, pause: float = 0.1) -> ServedRoot:
        open_ones.append(ServedRoot(base, Behaviour(failures=failures), pause=pause).__enter__())
        return open_ones[-1]

    yield served
    for one in open_ones:
        one.__exit__(None, None, None)


def reach(root: ServedRoot, wanted: Callable[[RolloutState], bool]) -> RolloutState:
    """Lets the newest rollout go on until it is as wanted, then holds it there, a turn later at most."""
    root.pause = 0.03
    until = time.monotonic() + 60
    while not wanted(state := list_rollouts(root.base)[-1]):
        assert time.monotonic() < until, f"it is {state.phase}: {state.reason}"
        time.sleep(0.002)
    root.pause = HELD
    return state


class ServedTest:
    """The root is served with this model's A/B test: real evidence, judge and controller; `yes` are the chances by track."""

    def __init__(self, base: BasePath, **yes: float) -> None:
        self.base, self.pause = base, 0.02
        self._clock = ManualClock(time.time())
        self._serving = SimulatedServing(base.name, self._clock)
        habits = {Track(name.replace("_", "-")): Habit(yes=chance) for name, chance in yes.items()}
        self._users = SimulatedUsers(self._clock, self._serving.split_at, habits)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        def source(journal: Any, plan: Any, state: Any, past: Any) -> FeedbackCohorts:
            return FeedbackCohorts(
                self.base, self._users, plan.metric, journal.users, past, matured=state.matured, now=self._clock.now
            )

        controller, said_until = ExperimentController(self.base, source, self._clock), self._clock.now()
        with presence(self.base.store.root):
            announce(self.base.store.root, SupervisorInfo(os.getpid(), "127.0.0.1:8500", "127.0.0.1:9901", self._clock.now()))
            while not self._stopped.wait(self.pause):
                self.base.write_observed(self._serving.settle(self.base.desired()))
                tests = list_experiments(self.base)
                if tests and self._clock.now() - said_until >= 5:
                    metric = read_experiment(self.base, tests[-1].id).plan.metric
                    rows = list(self._users.feedback(said_until, self._clock.now(), metric.name, metric.kind))
                    append_feedback(self.base, rows, now=self._clock.now)
                    said_until = self._clock.now()
                controller.tick()
                self._clock.advance(2.5)

    def __enter__(self) -> ServedTest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(30)


@pytest.fixture
def plan(plan: dict[str, Any]) -> dict[str, Any]:
    """The quick plan, which latencies do not hold up."""
    others = {metric: {"weight": 0.0} for metric in ("latency", "predictions", "accuracy")}
    return {**plan, **others, "errors": {"weight": 1.0}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Look:
    """A page as somebody sees it, and what the browser complained of. `allowed` are HTTP statuses that a test provokes."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self._address = page, address
        self.complaints: list[str] = []
        self.allowed: set[int] = set()
        page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, view: str = "") -> Page:
        """Opens a view: what follows the `#`."""
        self.page.goto(f"{self._address}/#{view}")
        return self.page

    def legend(self, chart: str) -> dict[str, str]:
        """What the legend of a chart says, by label."""
        rows = self.page.locator(f'[data-chart="{chart}"] .u-series').all()
        return {row.locator(".u-label").inner_text(): row.locator(".u-value").inner_text() for row in rows}

    def unexpected(self) -> list[str]:
        provoked = [f"status of {status} " for status in self.allowed]
        return [text for text in self.complaints if not any(part in text for part in provoked)]


@pytest.fixture
def look(browser: Browser, site: Site) -> Iterator[Callable[..., Look]]:
    """`look(Role.READ, width=320, color_scheme="dark")`: a page, signed in with this role; None: not signed in."""
    looks: list[Look] = []

    def look(role: Role | None = Role.ADMIN, *, width: int = 1200, at: Site = site, **options: Any) -> Look:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        if role is not None:
            token = json.dumps(at.tokens[role])
            context.add_init_script(f"sessionStorage.setItem('tfx-rollout.token', {token})")
        looks.append(Look(context.new_page(), at.address))
        return looks[-1]

    yield look
    for one in looks:
        one.page.context.close()
    assert [one.unexpected() for one in looks] == [[] for _ in looks]
