"""Which addresses the server listens on."""

from __future__ import annotations

import pytest

from tfx_rollout.model_server.listeners import BIND_VARIABLE, rest_socket


def test_the_rest_port_is_on_the_one_address_that_the_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BIND_VARIABLE, "127.0.0.1")
    with rest_socket(0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_without_the_variable_it_is_on_all_addresses_as_tensorflow_servings_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BIND_VARIABLE, raising=False)
    with rest_socket(0) as sock:
        assert sock.getsockname()[0] in ("::", "0.0.0.0")
