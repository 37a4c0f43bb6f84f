from __future__ import annotations

import socket

import pytest

from tfx_rollout.errors import InvalidInput, PortInUse
from tfx_rollout.serving import ensure_free, free_port
from tfx_rollout.serving.ports import accepts


def test_a_free_port_can_be_listened_on():
    ensure_free("127.0.0.1", free_port(), "gateway")


def test_a_port_in_use_is_refused_with_one_sentence_that_says_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"Port {port} on 127.0.0.1 \(gateway\) is in use by another process; stop"):
            ensure_free("127.0.0.1", port, "gateway")


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("203.0.113.1", 8500), ("no.such.host.invalid", 8500)])
def test_an_address_that_cannot_be_ours_is_refused_as_input(host, port):
    with pytest.raises(InvalidInput):
        ensure_free(host, port, "gateway")


def test_no_port_is_given_twice_while_who_got_it_may_not_listen_yet():
    given = [free_port() for _ in range(2000)]
    assert len(set(given)) == len(given)


def test_whether_somebody_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert accepts("127.0.0.1", port)
    assert not accepts("127.0.0.1", port)
