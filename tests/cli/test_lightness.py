"""What the package and the command import, seen from fresh processes. How long they take is a benchmark: command-start."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("tensorflow", "tfx", "apache_beam", "kfp", "pydantic", "rich", "httpx", "grpc", "numpy")


def modules_after(program: str) -> set[str]:
    code = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy():
    assert not modules_after("import tfx_rollout").intersection({*HEAVY, "click"})


def test_the_help_page_loads_nothing_heavy_and_no_subcommand():
    loaded = modules_after(
        "from tfx_rollout.cli.app import app\ntry: app(['--help'])\nexcept SystemExit as end: assert end.code == 0"
    )
    assert not loaded.intersection(HEAVY)
    assert not loaded.intersection({"tfx_rollout.supervisor", "tfx_rollout.cli.serve", "tfx_rollout.cli.models"})


SERVER_SIDE = ("tensorflow", "tfx", "apache_beam", "kfp", "fastapi", "starlette", "uvicorn")


COMMANDS = (
    ["status", "--root", "ROOT"],
    ["status", "--server", "http://127.0.0.1:1"],
    ["versions", "--root", "ROOT", "--model", "taxi"],
    ["config", "--root", "ROOT", "--model", "taxi"],
    ["rollout", "watch", "--root", "ROOT", "--model", "taxi"],
    ["ab-test", "list", "--root", "ROOT", "--model", "taxi"],
    ["metrics", "--root", "ROOT", "--model", "taxi"],
    ["audit", "--root", "ROOT"],
)


def test_commands_load_neither_the_servers_nor_tensorflow(tmp_path):
    given = [[str(tmp_path) if word == "ROOT" else word for word in command] for command in COMMANDS]
    one_by_one = f"for words in {given!r}:\n    try: app(words)\n    except SystemExit: pass"
    loaded = modules_after(f"from tfx_rollout.cli.app import app\n{one_by_one}")
    assert "tfx_rollout.control.remote.control" in loaded
    assert not loaded.intersection(SERVER_SIDE)
