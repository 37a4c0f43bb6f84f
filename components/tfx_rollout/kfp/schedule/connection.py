"""A `kfp.Client` for an address, after a look whether Kubeflow Pipelines is there and lets us in.

The client itself asks only once it is used, and then tries a server that refuses it five times,
with five seconds between; so the look comes first.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidInput, KubeflowFault, KubeflowRefused
from tfx_rollout.kfp.schedule.server import TIMEOUT, RecurringRuns

_HEALTH = "/apis/v2beta1/healthz"


def connect(host: str, *, token: str | None = None, namespace: str | None = None, ca_cert: Path | None = None) -> RecurringRuns:
    """The recurring runs of a server. `namespace` is needed where Kubeflow has several users.

    Raises `InvalidInput` for what is no address, `KubeflowFault` where nothing answers or it is
    no Kubeflow Pipelines, `KubeflowRefused` where it does not take the token.
    """
    host = host.rstrip("/")
    several_users = _look(host, token, ca_cert)
    from kfp import Client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it warns of servers older than v2
        try:
            chosen = {} if namespace is None else {"namespace": namespace}
            client: Any = Client(host=host, existing_token=token, ssl_ca_cert=str(ca_cert) if ca_cert else None, **chosen)
        except ValueError as fault:
            raise InvalidInput(f"kfp.Client cannot be made ({fault}); see to ~/.config/kfp/context.json.") from fault
    runs = RecurringRuns(client, host=host, namespace=namespace)
    if several_users and runs.namespace is None:
        raise InvalidInput(f"Kubeflow Pipelines at {host} has several users, and no namespace was given; give --namespace.")
    return runs


def _look(host: str, token: str | None, ca_cert: Path | None) -> bool:
    """Whether the server has several users."""
    import httpx

    if not host.startswith(("http://", "https://")):
        raise InvalidInput(f"{host!r} is no address of Kubeflow Pipelines; give one such as http://localhost:8888.")
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    timeout = httpx.Timeout(TIMEOUT[1], connect=TIMEOUT[0])
    try:
        answer = httpx.get(host + _HEALTH, headers=headers, timeout=timeout, verify=str(ca_cert) if ca_cert else True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
        said = " ".join(str(fault).split()) or type(fault).__name__
        raise KubeflowFault(host, f"did not answer ({said})", "see that it runs and can be reached from here") from fault
    if answer.status_code in (401, 403):
        raise KubeflowRefused(host, answer.status_code, _said(answer))
    if answer.is_redirect:
        place = answer.headers.get("location", "another page")
        raise KubeflowFault(host, f"sent us to {place}, a login page perhaps", "give a token, or the address behind the login")
    try:
        document = answer.json() if answer.is_success else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        kind = answer.headers.get("content-type", "no type")
        said = f"is no Kubeflow Pipelines (its {_HEALTH} answered {answer.status_code}, {kind})"
        raise KubeflowFault(host, said, "see to the address")
    return bool(document.get("multi_user"))


def _said(answer: Any) -> str:
    try:
        document = answer.json()
        return str(document.get("message") or document.get("error") or answer.reason_phrase)
    except (ValueError, AttributeError):
        return str(answer.reason_phrase)
