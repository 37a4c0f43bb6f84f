"""A configuration of what is live, for servers that a supervisor does not start."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.serving import ModelServerProcess
from tfx_rollout.serving.live_config import LiveConfig
from tfx_rollout.traffic import Cause, Label, Split


def export(folder: Path, content: str) -> Path:
    source = folder / f"export-{content}"
    source.mkdir()
    (source / "saved_model.pb").write_text(content)
    return source


@pytest.fixture
def base(tmp_path: Path) -> BasePath:
    base = ModelStore(tmp_path / "root").model("taxi")
    for content in ("one", "two"):
        base.publish(export(tmp_path, content))
    return base


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "models.config"


@pytest.fixture
def config(base: BasePath, file: Path) -> LiveConfig:
    return LiveConfig(base.store, file)


def desire(base: BasePath, **changes) -> None:
    before = base.desired()
    base.write_desired(before.change(**changes, cause=Cause("test", "a test", time.time())), expected=before.generation)


def test_a_root_without_anything_live_gives_a_configuration_without_models(config: LiveConfig, file: Path):
    assert config.refresh()
    assert file.read_text() == "model_config_list {\n}\n"
    assert config.served() == {}


def test_the_live_version_alone_is_served_and_a_candidate_is_not(base: BasePath, config: LiveConfig, file: Path):
    desire(base, versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split(canary=2000))
    config.refresh()
    assert config.served() == {"taxi": 1}
    assert "versions: 1" in file.read_text()
    assert "versions: 2" not in file.read_text()


def test_a_promotion_changes_the_number_and_what_is_unchanged_is_not_written_again(
    base: BasePath, config: LiveConfig, file: Path
):
    desire(base, versions=(1,), labels={Label.STABLE: 1})
    assert config.refresh()
    before = file.stat().st_ino
    assert not config.refresh()
    assert file.stat().st_ino == before
    desire(base, versions=(1, 2), labels={Label.STABLE: 2, Label.PREVIOUS: 1})
    assert config.refresh()
    assert config.served() == {"taxi": 2}


def test_a_lost_desired_state_changes_nothing(base: BasePath, config: LiveConfig, file: Path):
    desire(base, versions=(1,), labels={Label.STABLE: 1})
    config.refresh()
    (base.control / "desired.json").unlink()
    assert not config.refresh()
    assert config.served() == {"taxi": 1}


def test_a_damaged_desired_state_changes_nothing_and_is_told_once(
    base: BasePath, config: LiveConfig, caplog: pytest.LogCaptureFixture
):
    desire(base, versions=(1,), labels={Label.STABLE: 1})
    config.refresh()
    (base.control / "desired.json").write_text("{")
    with caplog.at_level(logging.WARNING):
        assert not config.refresh()
        assert not config.refresh()
    assert [record.getMessage() for record in caplog.records if "desired.json cannot be used" in record.getMessage()] != []
    assert len(caplog.records) == 1


def test_a_file_that_cannot_be_written_is_one_sentence(base: BasePath, tmp_path: Path):
    (tmp_path / "config").write_text("a file where a folder should be")
    with pytest.raises(StorageFault, match="config"):
        LiveConfig(base.store, tmp_path / "config" / "models.config").refresh()


@pytest.mark.integration
def test_a_model_server_follows_a_promotion_and_a_rollback_without_refusing_a_request(tmp_path: Path):
    subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT, str(tmp_path)], check=True, stderr=subprocess.PIPE)
    base = ModelStore(tmp_path / "root").model("m")
    for name in ("plus_one", "plus_two"):
        base.publish(tmp_path / name)
    desire(base, versions=(1,), labels={Label.STABLE: 1})
    file = tmp_path / "config" / "models.config"
    follow = [sys.executable, "-m", "tfx_rollout.cli", "follow", "--root", str(base.store.root), "--output", str(file)]
    with subprocess.Popen([*follow, "--every", "0.1"], stderr=subprocess.PIPE, text=True) as following:
        try:
            await_true(file.exists)
            server = ModelServerProcess.start("m", file, tmp_path / "server.log")
            try:
                server.wait_available("m", 1, timeout_s=60)
                await_true(lambda: predict(server.rest_address) == 1.5)
                desire(base, versions=(1, 2), labels={Label.STABLE: 2, Label.PREVIOUS: 1})
                await_true(lambda: predict(server.rest_address) == 2.5)
                desire(base, versions=(1, 2), labels={Label.STABLE: 1, Label.PREVIOUS: 2})
                await_true(lambda: predict(server.rest_address) == 1.5)
            finally:
                server.stop()
        finally:
            following.terminate()
            _, said = following.communicate(timeout=30)
    assert following.returncode == 0
    assert [line.split(" ", 1)[1] for line in said.splitlines()] == ["live: m 1", "live: m 2", "live: m 1"]


EXPORT = """
import sys
import tensorflow.compat.v1 as tf
for name, offset in [("plus_one", 1.0), ("plus_two", 2.0)]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        y = tf.add(x * tf.Variable(0.5), offset, name="y")
        session.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(session, f"{sys.argv[1]}/{name}", {"x": x}, {"y": y})
"""


def predict(address: str) -> float:
    """The model's answer for 1; a refused request fails the test."""
    request = urllib.request.Request(f"http://{address}/v1/models/m:predict", b'{"instances": [1.0]}')
    with urllib.request.urlopen(request, timeout=10) as answer:
        return float(json.load(answer)["predictions"][0])


def await_true(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not come true in {seconds:g} s"
        time.sleep(0.02)
