"""The command on a real store, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tfx_rollout.cli.app import app


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs the command with these arguments."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def run_json(run) -> Callable[..., Any]:
    """Runs the command with `--json` and returns what it printed."""

    def run_json(*arguments: object) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run_json


@pytest.fixture
def saved_model(tmp_path) -> Callable[[str], Path]:
    """Makes a folder that passes for a SavedModel as far as the store looks."""

    def make(content: str = "graph") -> Path:
        folder = tmp_path / f"export-{content}"
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_text(content)
        (folder / "variables" / "variables.index").write_text(content)
        return folder

    return make
