"""Processes that really act at once."""

from __future__ import annotations

from functools import partial

import pytest

from tfx_rollout.errors import StaleGeneration
from tfx_rollout.model_store import BasePath, ModelStore, content_digest
from tfx_rollout.traffic import Cause, DesiredState, Label

pytestmark = pytest.mark.integration

PUSHERS = 8


def fresh(base: BasePath) -> BasePath:
    """The same base path, as another process opens it."""
    return ModelStore(base.store.root).model(base.name)


def assert_settled(base: BasePath) -> None:
    assert list((base.path / ".staging").iterdir()) == []
    assert list(base.control.rglob("*.tmp")) == []
    for version in base.versions():
        manifest = base.manifest(version)
        assert manifest is not None
        assert manifest.digest == content_digest(base.version_path(version))


def test_pushers_of_different_models_at_once_get_different_versions_and_lose_none(base: BasePath, make_model, at_once):
    models = [make_model(seed, size=50_000) for seed in range(PUSHERS)]
    results = at_once([partial(fresh(base).publish, model) for model in models])
    assert sorted(result.version for result in results) == list(range(1, PUSHERS + 1))
    assert base.versions() == list(range(1, PUSHERS + 1))
    for model, result in zip(models, results, strict=True):
        assert result.created
        assert content_digest(base.version_path(result.version)) == content_digest(model) == result.digest
    assert_settled(base)


def test_pushers_of_one_model_at_once_get_one_version(base: BasePath, make_model, at_once):
    model = make_model(1, size=50_000)
    results = at_once([partial(fresh(base).publish, model) for _ in range(PUSHERS)])
    assert [result.version for result in results] == [1] * PUSHERS
    assert sum(result.created for result in results) == 1
    assert base.versions() == [1]
    assert_settled(base)


def test_pushers_at_once_into_a_base_path_to_adopt_agree(base: BasePath, make_model, at_once):
    for seed in (1, 2):
        make_model(seed, at=base.path / str(1584391734 + seed))
    made = {seed: make_model(seed) for seed in (1, 2, 3, 4)}
    models = [made[seed] for seed in (1, 2, 3, 3, 4, 4)]
    results = at_once([partial(fresh(base).publish, model) for model in models])
    versions = [result.version for result in results]
    assert versions[:2] == [1584391735, 1584391736]
    assert versions[2] == versions[3] != versions[4] == versions[5]
    assert sorted({*versions[2:]}) == [1584391737, 1584391738]
    assert_settled(base)


def test_of_writers_at_once_exactly_one_wins_each_generation(base: BasePath, make_model, at_once):
    base.publish(make_model(1))
    writers, rounds = 6, 8

    def write(writer: int) -> list[int]:
        mine, won = fresh(base), []
        for generation in range(rounds):
            state = DesiredState("taxi", versions=(1,), labels={Label.STABLE: 1}, cause=Cause(f"writer {writer}"))
            while mine.desired().generation < generation:
                pass
            try:
                mine.write_desired(state, expected=generation)
            except StaleGeneration:
                continue
            won.append(generation + 1)
        return won

    results = at_once([partial(write, writer) for writer in range(writers)])
    assert sorted(generation for won in results for generation in won) == list(range(1, rounds + 1))
    assert base.desired().generation == rounds
    winners = {generation: f"writer {writer}" for writer, won in enumerate(results) for generation in won}
    assert [(e["generation"], e["cause"]["by"]) for e in base.history()] == sorted(winners.items())


def test_a_reader_beside_a_writer_sees_only_whole_states(base: BasePath, make_model, at_once):
    base.publish(make_model(1))
    rounds = 60

    def write() -> None:
        for generation in range(rounds):
            why = f"{generation + 1} " * (generation % 7 * 100)
            base.write_desired(DesiredState("taxi", versions=(1,), cause=Cause("w", why)), expected=generation)

    def read() -> int:
        mine, seen = fresh(base), 0
        while seen < rounds:
            state = mine.desired()
            assert state.generation >= seen
            assert set(state.cause.why.split()) <= {str(state.generation)} or state.generation == 0
            assert [e["generation"] for e in mine.history()][: state.generation] == list(range(1, state.generation + 1))
            seen = state.generation
        return seen

    assert at_once([write, read, read]) == [None, rounds, rounds]
