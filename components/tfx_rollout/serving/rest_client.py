"""What a model server says of itself, over TensorFlow Serving's REST interface."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tfx_rollout.errors import ServerFailed
from tfx_rollout.traffic import VersionState


@dataclass(frozen=True)
class VersionStatus:
    """State of one version; `error` is the server's message when it could not be loaded, else empty."""

    state: VersionState
    error: str = ""


@dataclass(frozen=True)
class RestAnswer:
    """An answer of the inference interface: the HTTP code and the JSON body."""

    code: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the model answered."""
        return self.code == 200

    @property
    def error(self) -> str:
        """The server's message of a refused request, else empty."""
        return "" if self.ok else str(self.body.get("error", self.body) if isinstance(self.body, dict) else self.body)


class ModelServerClient:
    """A REST client of one server (`host:port`), with short timeouts. Close it, or use it in `with`.

    Every method raises `ServerFailed` when the server does not answer in `timeout_s`
    seconds, or answers something that is not TensorFlow Serving's.
    """

    def __init__(self, address: str, *, timeout_s: float = 1.0) -> None:
        import httpx

        self.address = address
        # No proxies from the environment: the server is ours and near.
        self._http = httpx.Client(base_url=f"http://{address}", timeout=timeout_s, trust_env=False)
        self._failures = (httpx.HTTPError, ValueError)

    def __enter__(self) -> ModelServerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def version_states(self, model: str) -> dict[int, VersionStatus]:
        """Every version that the server knows of the model; empty for a model that it does not have."""
        answer = self._get(f"/v1/models/{quote(model, safe='')}")
        if answer.code == 404:
            return {}
        if not answer.ok:
            raise ServerFailed(self.address, f"refused to tell the state of model {model}: {answer.error}")
        states = {}
        try:
            for entry in answer.body["model_version_status"]:
                status = entry.get("status", {})
                failed = status.get("error_code", "OK") != "OK"
                states[int(entry["version"])] = VersionStatus(
                    VersionState(entry["state"]), status.get("error_message") or status["error_code"] if failed else ""
                )
        except (KeyError, TypeError, ValueError) as error:
            raise ServerFailed(self.address, f"gave no state of model {model} as TensorFlow Serving does: {error!r}") from error
        return states

    def label_version(self, model: str, label: str) -> int | None:
        """The version that answers for this label now, or None.

        Asked of the metadata call, since the status call ignores labels.
        """
        answer = self._get(f"/v1/models/{quote(model, safe='')}/labels/{quote(label, safe='')}/metadata")
        if answer.code in (400, 404):
            return None
        try:
            if not answer.ok:
                raise ValueError(answer.error)
            return int(answer.body["model_spec"]["version"])
        except (KeyError, TypeError, ValueError) as error:
            raise ServerFailed(self.address, f"did not tell what the label {label} of model {model} names: {error}") from error

    def metadata(self, model: str, version: int | None = None) -> RestAnswer:
        """The signatures of a version, as the server tells them."""
        return self._get(f"/v1/models/{quote(model, safe='')}{_choice(version, None)}/metadata")

    def predict(self, model: str, body: Mapping[str, Any], *, version: int | None = None, label: str | None = None) -> RestAnswer:
        """One Predict call with this JSON body; a refusal by the server is an answer, not an exception."""
        path = f"/v1/models/{quote(model, safe='')}{_choice(version, label)}:predict"
        try:
            return _answer(self._http.post(path, content=json.dumps(body).encode()))
        except self._failures as error:
            raise ServerFailed(self.address, f"does not answer a Predict call of model {model}: {_said(error)}") from error

    def _get(self, path: str) -> RestAnswer:
        try:
            return _answer(self._http.get(path))
        except self._failures as error:
            raise ServerFailed(self.address, f"does not answer GET {path}: {_said(error)}") from error


def _choice(version: int | None, label: str | None) -> str:
    if version is not None:
        return f"/versions/{version}"
    return "" if label is None else f"/labels/{quote(label, safe='')}"


def _answer(response: Any) -> RestAnswer:
    # The standard parser, since TensorFlow Serving writes bare NaN and Infinity.
    return RestAnswer(response.status_code, json.loads(response.content))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
