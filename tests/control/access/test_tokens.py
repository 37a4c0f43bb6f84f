"""Tokens: known by their hashes alone, at once wherever the file is read, and nobody else's to read."""

from __future__ import annotations

import json
import re
import stat
import threading
from functools import partial
from pathlib import Path

import pytest

from tfx_rollout.audit import SECRET_PREFIX
from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.errors import Conflict, CorruptState, InvalidInput, NotFound, StorageFault


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> TokenFile:
    return TokenFile(tmp_path / ".access", now=clock)


def wanted(name: str = "grafana", role: Role = Role.READ, days: float | None = None) -> TokenWanted:
    return TokenWanted(name=name, role=role, days=days)


def test_a_token_is_known_by_its_secret_and_no_other_is(tokens):
    made = tokens.create(wanted(), by="ann")
    assert re.fullmatch(rf"{SECRET_PREFIX}[A-Za-z0-9_-]{{43}}", made.secret)
    known = tokens.identify(made.secret)
    assert known is not None
    assert (known.name, known.role, known.created_by) == ("grafana", Role.READ, "ann")
    for wrong in ("", made.secret[:-1], made.secret + "x", made.secret.swapcase(), "é", "\ud800", known.name):
        assert tokens.identify(wrong) is None


@pytest.mark.parametrize("name", ["local", "nobody", "api", "controller", "Local", "BlessingCheck"])
def test_no_token_has_a_name_that_the_record_of_changes_uses_for_somebody_else(tokens, name: str):
    with pytest.raises(
        InvalidInput, match=f"A token cannot be called {name}, since the record of changes means .*; choose anoth"
    ):
        tokens.create(wanted(name), by="ann")
    assert not tokens.ever_made()


def test_a_token_that_was_given_such_a_name_before_is_known_and_can_be_revoked(tokens):
    made = tokens.create(wanted("locals"), by="ann")
    tokens.path.write_text(tokens.path.read_text().replace('"locals"', '"local"'))
    known = tokens.identify(made.secret)
    assert known is not None
    assert known.name == "local"
    assert tokens.revoke("local") == known
    assert tokens.tokens() == []


def test_the_file_has_the_hash_alone_and_only_its_owner_reads_it(tokens):
    made = tokens.create(wanted(), by="ann")
    content = tokens.path.read_text()
    assert made.secret not in content
    assert made.secret.removeprefix(SECRET_PREFIX) not in content
    assert re.fullmatch(r"[0-9a-f]{64}", json.loads(content)["tokens"][0]["sha256"])
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    tokens.create(wanted("ben"), by="ann")
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert [file.name for file in tokens.path.parent.iterdir() if "tmp" in file.name] == []


def test_secrets_are_never_alike(tokens):
    secrets = {tokens.create(wanted(f"t{n}"), by="ann").secret for n in range(50)}
    assert len(secrets) == 50


def test_a_token_that_was_revoked_or_ran_out_is_nobodys(tokens, clock):
    made, other = tokens.create(wanted(days=1), by="ann"), tokens.create(wanted("ben"), by="ann")
    assert made.expires_at == clock.now + 86_400
    clock.now += 86_399
    assert tokens.identify(made.secret) is not None
    clock.now += 1
    assert tokens.identify(made.secret) is None
    assert [token.name for token in tokens.tokens()] == ["ben", "grafana"]
    assert tokens.revoke("ben").name == "ben"
    assert tokens.identify(other.secret) is None
    with pytest.raises(NotFound, match=r"There is no token ben in .*; known: grafana"):
        tokens.revoke("ben")


def test_a_name_is_taken_until_its_token_is_revoked_or_ran_out(tokens, clock):
    first = tokens.create(wanted(days=1), by="ann")
    with pytest.raises(Conflict, match="There is a token grafana already"):
        tokens.create(wanted(), by="ann")
    clock.now += 90_000
    second = tokens.create(wanted(role=Role.ADMIN), by="ben")
    assert tokens.identify(first.secret) is None
    assert tokens.identify(second.secret) is not None
    assert len(tokens.tokens()) == 1


def test_a_file_that_is_lost_lets_nobody_in(tokens):
    made = tokens.create(wanted(), by="ann")
    reader = TokenFile(tokens.path.parent)
    assert reader.identify(made.secret) is not None
    tokens.path.unlink()
    assert reader.ever_made()
    assert reader.identify(made.secret) is None


def test_a_file_of_which_cannot_be_told_whether_it_is_there_lets_nobody_in(tmp_path):
    (tmp_path / ".access").write_text("a file where a folder should be")
    with pytest.raises(StorageFault):
        TokenFile(tmp_path / ".access").ever_made()


def test_of_changes_in_one_tick_of_the_file_systems_clock_the_last_counts(tokens):
    reader = TokenFile(tokens.path.parent)
    first, second = (tokens.create(wanted(name), by="ann") for name in ("ann", "ben"))
    both = json.loads(tokens.path.read_text())
    rows = {token["name"]: json.dumps({**both, "tokens": [token]}) for token in both["tokens"]}
    assert len(rows["ann"]) == len(rows["ben"])
    for _ in range(100):
        for here, gone in ((first, second), (second, first)):
            tokens.path.write_text(rows[here.name])
            assert reader.identify(here.secret) is not None
            assert reader.identify(gone.secret) is None


def test_another_process_changes_count_at_once(tokens, tmp_path, clock):
    other = TokenFile(tmp_path / ".access", now=clock)
    assert not other.ever_made()
    made = tokens.create(wanted(), by="ann")
    assert other.identify(made.secret) is not None
    other.revoke("grafana")
    assert tokens.identify(made.secret) is None
    assert tokens.tokens() == []
    assert tokens.ever_made(), "after the last one was revoked nobody is let in, rather than everybody"


def test_looking_makes_nothing(tokens, tmp_path):
    assert (tokens.tokens(), tokens.identify("x"), tokens.ever_made()) == ([], None, False)
    with pytest.raises(NotFound):
        tokens.revoke("grafana")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 9, "tokens": []}', '{"schema": 1, "tokens": [{"name": "x"}]}'])
def test_a_damaged_file_lets_nobody_in_and_its_sentence_tells_no_hash(tokens, content):
    made = tokens.create(wanted(), by="ann")
    tokens.path.write_text(content)
    with pytest.raises(CorruptState, match=r"tokens\.json"):
        tokens.identify(made.secret)


@pytest.mark.integration
def test_tokens_made_at_once_are_all_there_and_of_one_name_one_wins(tokens, tmp_path, at_once):
    fresh = [TokenFile(tmp_path / ".access") for _ in range(6)]
    results = at_once(
        [partial(file.create, wanted(f"t{n}"), by="ann") for n, file in enumerate(fresh)]
        + [partial(TokenFile(tmp_path / ".access").create, wanted("same"), by="ann") for _ in range(4)]
    )
    assert [token.name for token in tokens.tokens()] == ["same", *(f"t{n}" for n in range(6))]
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert all(tokens.identify(result.secret) for result in results if not isinstance(result, Conflict))


def test_threads_that_ask_while_tokens_come_and_go_never_keep_an_old_one(tokens, tmp_path):
    made = [tokens.create(wanted(f"t{n}"), by="ann") for n in range(30)]
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for token in made:
                tokens.identify(token.secret)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    other = TokenFile(tmp_path / ".access")
    for token in made:
        other.revoke(token.name)
    stop.set()
    for asker in askers:
        asker.join()
    assert [tokens.identify(token.secret) for token in made] == [None] * 30
