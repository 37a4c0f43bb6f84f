"""`Control` over HTTP. Each method is one request; what can go wrong is in `channel`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tfx_rollout.control.documents import (
    AliasWanted,
    AuditTrail,
    Change,
    Configuration,
    ConfigurationWanted,
    Experiment,
    ExperimentOrderWanted,
    Experiments,
    ExperimentWanted,
    FeedbackTaken,
    History,
    ModelOverview,
    Models,
    Order,
    OrderWanted,
    PlanDocument,
    Plans,
    Readiness,
    RollbackWanted,
    Rollout,
    Rollouts,
    RolloutWanted,
    Token,
    TokenCreated,
    Tokens,
    TokenWanted,
    Traffic,
    Version,
    Versions,
    Whoami,
)
from tfx_rollout.control.remote.channel import Channel
from tfx_rollout.errors import InvalidInput


class RemoteControl:
    """Everything that can be asked of a root, by the API at a URL (`Control`). Who asks is whom the token belongs to.

    Raises what a local one would, and `ApiFault` and its kinds. What only reads is asked again when the connection
    fails; a change is asked for once. `timeout` is for one answer, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        ca: Path | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._api = Channel(url, token=token, ca=ca, timeout=timeout, transport=transport)

    def close(self) -> None:
        """Ends the connections."""
        self._api.close()

    # The root

    def whoami(self) -> Whoami:
        return self._api.read(Whoami, "/v1/me")

    def readiness(self) -> Readiness:
        return self._api.read(Readiness, "/readyz", also=(503,))

    def models(self) -> Models:
        return self._api.read(Models, "/v1/models")

    def model(self, model: str) -> ModelOverview:
        return self._api.read(ModelOverview, _of(model))

    # Versions

    def versions(self, model: str) -> Versions:
        return self._api.read(Versions, _of(model, "versions"))

    def version(self, model: str, version: int) -> Version:
        return self._api.read(Version, _of(model, "versions", version))

    def load(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._hold(model, version, "load", why, expected, dry_run)

    def unload(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._hold(model, version, "unload", why, expected, dry_run)

    def pin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._hold(model, version, "pin", why, expected, dry_run)

    def unpin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._hold(model, version, "unpin", why, expected, dry_run)

    def _hold(self, model: str, version: int, how: str, why: str, expected: int | None, dry_run: bool) -> Change:
        path = _of(model, "versions", version, how)
        return self._api.write(
            Change, "POST", path, {"why": why}, query={"dry_run": dry_run or None}, expected=_generation(expected)
        )

    def set_alias(
        self, model: str, alias: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False
    ) -> Change:
        body = AliasWanted(version=version, why=why)
        query = {"dry_run": dry_run or None}
        return self._api.write(Change, "PUT", _of(model, "aliases", alias), body, query=query, expected=_generation(expected))

    def remove_alias(self, model: str, alias: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        query = {"why": why, "dry_run": dry_run or None}
        return self._api.write(Change, "DELETE", _of(model, "aliases", alias), query=query, expected=_generation(expected))

    def retire(self, model: str, version: int, *, why: str) -> Version:
        return self._api.write(Version, "DELETE", _of(model, "versions", version), query={"why": why})

    # Configuration

    def configuration(self, model: str) -> Configuration:
        return self._api.read(Configuration, _of(model, "configuration"))

    def configure(self, model: str, wanted: ConfigurationWanted, *, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._api.write(
            Change,
            "PATCH",
            _of(model, "configuration"),
            wanted,
            query={"dry_run": dry_run or None},
            expected=_generation(expected) or "*",
        )

    def roll_back(self, model: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        query = {"dry_run": dry_run or None}
        body = RollbackWanted(why=why)
        return self._api.write(Change, "POST", _of(model, "rollback"), body, query=query, expected=_generation(expected))

    def history(self, model: str, *, limit: int = 100, offset: int = 0) -> History:
        return self._api.read(History, _of(model, "history"), _page(limit, offset))

    # Rollouts

    def plans(self) -> Plans:
        return self._api.read(Plans, "/v1/plans")

    def plan(self, name: str) -> PlanDocument:
        return self._api.read(PlanDocument, f"/v1/plans/{_quoted(name)}")

    def check_plan(self, document: Mapping[str, Any]) -> PlanDocument:
        return self._api.write(PlanDocument, "POST", "/v1/plans/check", document)

    def rollouts(self, model: str, *, limit: int = 100, offset: int = 0) -> Rollouts:
        return self._api.read(Rollouts, _of(model, "rollouts"), _page(limit, offset))

    def rollout(self, model: str, rollout: str) -> Rollout:
        return self._api.read(Rollout, _of(model, "rollouts", rollout))

    def start_rollout(self, model: str, wanted: RolloutWanted) -> Rollout:
        return self._api.write(Rollout, "POST", _of(model, "rollouts"), wanted)

    def order(self, model: str, rollout: str, wanted: OrderWanted, *, expected: str | None = None) -> Order:
        return self._api.write(Order, "POST", _of(model, "rollouts", rollout, "orders"), wanted, expected=_revision(expected))

    def rollout_report(self, model: str, rollout: str) -> dict[str, Any]:
        return self._api.read_json(_of(model, "rollouts", rollout, "report"))

    def follow_rollout(self, model: str, rollout: str) -> Iterator[dict[str, Any]]:
        return self._followed(_of(model, "rollouts", rollout, "events"))

    # A/B tests

    def check_experiment(self, document: Mapping[str, Any]) -> PlanDocument:
        return self._api.write(PlanDocument, "POST", "/v1/experiments/check", document)

    def experiments(self, model: str, *, limit: int = 100, offset: int = 0) -> Experiments:
        return self._api.read(Experiments, _of(model, "experiments"), _page(limit, offset))

    def experiment(self, model: str, experiment: str) -> Experiment:
        return self._api.read(Experiment, _of(model, "experiments", experiment))

    def start_experiment(self, model: str, wanted: ExperimentWanted) -> Experiment:
        return self._api.write(Experiment, "POST", _of(model, "experiments"), wanted)

    def order_experiment(
        self, model: str, experiment: str, wanted: ExperimentOrderWanted, *, expected: str | None = None
    ) -> Experiment:
        path = _of(model, "experiments", experiment, "orders")
        return self._api.write(Experiment, "POST", path, wanted, expected=_revision(expected))

    def experiment_report(self, model: str, experiment: str) -> dict[str, Any]:
        return self._api.read_json(_of(model, "experiments", experiment, "report"))

    def follow_experiment(self, model: str, experiment: str) -> Iterator[dict[str, Any]]:
        return self._followed(_of(model, "experiments", experiment, "events"))

    def _followed(self, path: str) -> Iterator[dict[str, Any]]:
        for event in self._api.follow(path):
            yield {"type": event.kind, **json.loads(event.data)}

    # Metrics and feedback

    def traffic(
        self, model: str, *, since: float | None = None, until: float | None = None, step: float | None = None
    ) -> Traffic:
        return self._api.read(Traffic, _of(model, "traffic"), {"since": since, "until": until, "step": step})

    def give_feedback(self, model: str, rows: Iterable[Mapping[str, Any] | str]) -> FeedbackTaken:
        return self._api.send_lines(FeedbackTaken, _of(model, "feedback"), (_line(row) for row in rows))

    # Access

    def tokens(self) -> Tokens:
        return self._api.read(Tokens, "/v1/tokens")

    def create_token(self, wanted: TokenWanted) -> TokenCreated:
        return self._api.write(TokenCreated, "POST", "/v1/tokens", wanted)

    def revoke_token(self, name: str) -> Token:
        return self._api.write(Token, "DELETE", f"/v1/tokens/{_quoted(name)}")

    def audit(self, *, limit: int = 100, offset: int = 0) -> AuditTrail:
        return self._api.read(AuditTrail, "/v1/audit", _page(limit, offset))


def _of(model: str, *parts: object) -> str:
    return "/".join(("/v1/models", *(_quoted(str(part)) for part in (model, *parts))))


def _quoted(part: str) -> str:
    """A part of a path. Raises `InvalidInput` for what would be taken for several, or for none."""
    if "/" in part or not part.strip("."):
        raise InvalidInput(f"{part!r} is not the name of anything here; names have no slash and are not dots alone.")
    return quote(part, safe="")


def _page(limit: int, offset: int) -> dict[str, int]:
    return {"limit": limit, "offset": offset}


def _generation(expected: int | None) -> str | None:
    return None if expected is None else f'"{expected}"'


def _revision(expected: str | None) -> str | None:
    return None if expected is None else f'"{expected}"'


def _line(row: Mapping[str, Any] | str) -> bytes:
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)
    return text.rstrip("\r\n").encode() + b"\n"
