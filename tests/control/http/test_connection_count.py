"""Who is counted together, and from when on there are too many."""

from __future__ import annotations

import pytest

from tfx_rollout.control.http.connection_count import ConnectionCount, Crowding, client_at


def test_one_client_can_have_its_share_and_others_are_served_beside_it():
    count = ConnectionCount(10, 3, spare=2)
    assert [count.add("192.0.2.1") for _ in range(6)] == [True] * 5 + [False]
    assert count.crowding("192.0.2.1") is Crowding.OF_CLIENT
    assert count.add("192.0.2.2")
    assert count.crowding("192.0.2.2") is Crowding.NONE


def test_whoever_leaves_makes_room():
    count = ConnectionCount(10, 1, spare=0)
    assert [count.add("192.0.2.1"), count.add("192.0.2.1")] == [True, False]
    count.remove("192.0.2.1")
    assert count.crowding("192.0.2.1") is Crowding.NONE
    count.remove("192.0.2.1")
    assert count.total == 0
    assert count.add("192.0.2.1")


def test_many_clients_together_can_be_too_many():
    count = ConnectionCount(2, 2, spare=1)
    assert [count.add(f"192.0.2.{number}") for number in range(4)] == [True, True, True, False]
    assert count.crowding("192.0.2.0") is Crowding.IN_ALL


def test_who_is_at_this_machine_may_have_all_of_them():
    count = ConnectionCount(4, 1, spare=0)
    assert [count.add("127.0.0.1") for _ in range(5)] == [True] * 4 + [False]
    assert count.crowding("127.0.0.1") is Crowding.IN_ALL


def test_without_bounds_nobody_is_too_many():
    count = ConnectionCount(None, None, spare=0)
    assert all(count.add("192.0.2.1") for _ in range(2000))
    assert count.crowding("192.0.2.1") is Crowding.NONE


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "", "no address"])
def test_what_is_at_this_machine_or_no_address_is_nobodys(address: str):
    assert client_at(address) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_ipv6_network_is_one_client_and_an_ipv4_address_is_one(one: str, other: str, same: bool):
    assert None not in (client_at(one), client_at(other))
    assert (client_at(one) == client_at(other)) is same
