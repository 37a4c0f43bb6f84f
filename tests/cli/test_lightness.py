"""What the command imports, and how fast it is, seen from fresh processes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "tfx", "apache_beam", "kfp", "pydantic", "rich", "httpx", "grpc", "numpy")


def modules_after(program: str) -> set[str]:
    code = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def best_seconds(arguments: list[str], rounds: int = 7) -> float:
    """Processor time of the best of some rounds: the time on a machine that has nothing else to do."""
    times = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_importing_the_package_loads_nothing_heavy():
    assert not modules_after("import tfx_rollout").intersection({*HEAVY, "click"})


def test_the_help_page_loads_nothing_heavy_and_no_subcommand():
    loaded = modules_after(
        "from tfx_rollout.cli.app import app\ntry: app(['--help'])\nexcept SystemExit as end: assert end.code == 0"
    )
    assert not loaded.intersection(HEAVY)
    assert not loaded.intersection({"tfx_rollout.supervisor", "tfx_rollout.cli.serve", "tfx_rollout.cli.models"})


@pytest.mark.parametrize(
    ("arguments", "limit"), [(["-c", "import tfx_rollout"], 0.2), (["-m", "tfx_rollout.cli", "--help"], 0.3)]
)
def test_the_import_and_the_help_page_are_fast(arguments, limit):
    assert best_seconds(arguments) <= limit
