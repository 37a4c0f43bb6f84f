"""Following what happens: all see every state, who should not watch any more is let go, who is gone leaves no trace."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, RolloutWanted
from tfx_rollout.control.http.settings import Limits
from tfx_rollout.control.http.watching import stream
from tfx_rollout.control.local import LocalControl
from tfx_rollout.testing import ServedRoot

WATCHERS = 50
UNHURRIED = Limits(requests_per_second=10_000, burst=100_000)


@pytest.fixture
def control(base) -> LocalControl:
    return LocalControl(base.store, by="ann")


def events(content: bytes) -> list[tuple[str, dict[str, Any]]]:
    """What a stream told: kind and document of each event."""
    found = []
    for event in content.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def once(act: Callable[[], object]) -> Callable[[bytes], bool]:
    """A condition that acts when the first thing is told, and never comes true."""
    done = []
    return lambda content: bool(content and not done and done.append(act()))


async def followed(client: httpx.AsyncClient, path: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200, await answer.aread()
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))


def test_fifty_watchers_see_every_state_without_a_thread_for_each(base, control, serve_api):
    address = serve_api(base.store.root, limits=UNHURRIED)
    generations = list(range(1, 8))
    before = threading.active_count()

    async def watch(client: httpx.AsyncClient, path: str, seen: list[int], news: asyncio.Condition) -> None:
        async for _, document in followed(client, path):
            (model,) = [document] if "model" in document else document["models"]
            async with news:
                seen.append(model["generation"])
                news.notify_all()
            if model["generation"] == generations[-1]:
                return

    async def all_watch() -> tuple[list[list[int]], int]:
        limits = httpx.Limits(max_connections=WATCHERS + 1)
        seen, news, threads = [list[int]() for _ in range(WATCHERS)], asyncio.Condition(), 0
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
            paths = ("/v1/events", "/v1/models/taxi/events")
            watching = [asyncio.create_task(watch(client, paths[i % 2], seen[i], news)) for i in range(WATCHERS)]
            for generation in generations:
                async with news:
                    await asyncio.wait_for(news.wait_for(lambda now=generation: all(now in told for told in seen)), 30)
                threads = max(threads, threading.active_count())
                if generation != generations[-1]:
                    change = control.unpin if base.desired().pinned else control.pin
                    await asyncio.to_thread(change, "taxi", 2, why="to see it")
            await asyncio.gather(*watching)
        return seen, threads

    seen, threads = asyncio.run(all_watch())
    for told in seen:
        assert list(dict.fromkeys(told)) == generations
    assert threads - before < WATCHERS


def test_what_runs_is_told_to_its_end_beside_the_model(api, base, control, plan):
    def start() -> None:
        control.start_rollout("taxi", RolloutWanted(version=2, plan={**plan, "promotion": "automatic"}))

    begun = once(start)
    with ServedRoot(base, pause=0.1):
        told = events(
            api.stream(
                "/v1/models/taxi/events", until=lambda content: begun(content) or b'"outcome":"promoted"' in content
            ).content
        )
    assert told[0][0] == "model"
    rollouts = [document for kind, document in told if kind == "rollout"]
    assert rollouts[-1]["outcome"] == "promoted"
    assert rollouts[-1]["finished"]
    phases = [document["phase"] for document in rollouts]
    assert len(phases) > 1


def test_a_supervisor_that_comes_or_goes_is_told(api, base, supervised):
    with supervised(base) as served:
        left = once(lambda: served.__exit__(None))
        told = events(api.stream("/v1/events", until=lambda c: left(c) or b'"supervisor":null' in c).content)
    assert told[0][1]["supervisor"] is not None
    assert told[-1][1]["supervisor"] is None


def test_a_stream_of_what_is_not_there_is_a_problem(api, base):
    for path in ("/v1/models/nope/events", "/v1/models/taxi/rollouts/none/events", "/v1/models/taxi/experiments/none/events"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_model_that_goes_ends_its_stream(api, base):
    import shutil

    removed = once(lambda: shutil.rmtree(base.path))
    told = api.stream("/v1/models/taxi/events", until=removed)
    assert told.whole
    assert events(told.content)[0][1]["model"] == "taxi"


def test_while_the_files_cannot_be_read_one_waits_and_is_told_what_is_there_then(api, base, control, caplog):
    file = base.control / "desired.json"
    good = file.read_text()

    def damage() -> None:
        file.write_text("{")

        def mend() -> None:
            deadline = time.monotonic() + 30
            while "cannot be read" not in caplog.text and time.monotonic() < deadline:
                time.sleep(0.02)
            file.write_text(good)
            control.pin("taxi", 3, why="it is mended")

        threading.Thread(target=mend).start()

    damaged = once(damage)
    told = events(api.stream("/v1/models/taxi/events", until=lambda c: damaged(c) or b'"pinned":[3]' in c).content)
    assert told[-1][1]["pinned"] == [3]
    assert caplog.text.count("cannot be read") == 1


def test_a_stream_whose_time_is_up_breaks_off_so_that_one_comes_again(api_of):
    told = api_of(limits=Limits(watch_seconds=0.0)).stream("/v1/events")
    assert not told.whole
    assert len(events(told.content)) == 1


def test_who_watches_is_let_go_when_the_process_ends(api):
    closed = once(api.app.state.back.watch.close)
    assert not api.stream("/v1/events", until=closed).whole


def test_a_token_that_is_revoked_ends_its_streams(api_of, base, token_of, monkeypatch):
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.02)
    api = api_of(token_of(Role.READ, "ann"))
    revoked = once(lambda: TokenFile(base.store.access_dir).revoke("ann"))
    told = api.stream("/v1/events", until=revoked)
    assert told.status == 200
    assert not told.whole


def test_where_it_cannot_be_told_who_watches_the_stream_breaks_off_without_an_error(api_of, base, token_of, monkeypatch, caplog):
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.02)
    api = api_of(token_of(Role.READ, "ann"))
    damaged = once(lambda: TokenFile(base.store.access_dir).path.write_text("{"))
    assert not api.stream("/v1/events", until=damaged).whole
    assert "ann is let go" in caplog.text
    assert [record for record in caplog.records if record.exc_info] == []
    assert api.get("/v1/me").json()["type"] == "/problems/corrupt-state"


def test_a_silent_stream_says_that_it_lives(api, monkeypatch):
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.02)
    told = api.stream("/v1/events", until=lambda content: content.count(b": ping\n\n") == 3)
    assert told.content.count(b": ping\n\n") == 3


def test_a_place_is_free_again_when_its_watcher_is_gone(api_of):
    api = api_of(limits=Limits(watchers=1, watchers_each=1))
    for _ in range(3):
        assert api.stream("/v1/events", until=bool).status == 200
    assert api.app.state.back.watch.watchers == 0


def test_only_so_many_watch_at_once_in_all_and_each(base, serve_api, token_of):
    ann, ben = token_of(Role.READ, "ann"), token_of(Role.READ, "ben")
    address = serve_api(base.store.root, limits=Limits(watchers=3, watchers_each=2))

    def follow(client: httpx.Client, token: str) -> httpx.Response:
        request = client.build_request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        return client.send(request, stream=True)

    with httpx.Client(base_url=address, timeout=30) as client:
        places = [follow(client, ann), follow(client, ann)]
        assert [place.status_code for place in places] == [200, 200]
        too_many = follow(client, ann)
        assert (too_many.status_code, too_many.headers["retry-after"]) == (429, "5")
        too_many.close()
        places.append(follow(client, ben))
        full = follow(client, ben)
        assert full.status_code == 503
        assert json.loads(full.read())["type"] == "/problems/too-many-watchers"
        places.pop(0).close()
        deadline = time.monotonic() + 30
        while (again := follow(client, ben)).status_code != 200:
            again.close()
            assert time.monotonic() < deadline
        for place in (*places, again):
            place.close()
