"""Tries an image from inside, as its own user: what it must have, what it must not have, and a model pushed and served.

Given to `python3 -` within the image. Prints a line per check; the first that fails ends it
with its sentence.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

IMAGE = json.loads(os.environ["TFX_ROLLOUT_IMAGE"])
ROOT = Path(os.environ["TFX_ROLLOUT_ROOT"])
LOCAL = Path("/var/lib/tfx-rollout")
PATIENCE_S = 90.0

with socket.socket() as _probe:
    # Where the trial shares its network with other programs, 8500 may be theirs.
    _probe.bind(("127.0.0.1", 0))
    PORT = _probe.getsockname()[1]

# The import system's word, without importing anything heavy.
HAS_TFX = importlib.util.find_spec("tfx") is not None


def main() -> None:
    """All checks, in order."""
    for check in CHECKS:
        began = time.monotonic()
        check()
        print(f"  {check.__name__.replace('_', ' ')}: {time.monotonic() - began:.1f} s", flush=True)


def user_is_not_root() -> None:
    """The user is the number that the Dockerfile names."""
    expect(f"{os.getuid()}:{os.getgid()}" == IMAGE["user"], f"runs as {os.getuid()}:{os.getgid()}, not as {IMAGE['user']}")
    expect(os.getuid() != 0, "runs as root")


def nothing_can_be_changed() -> None:
    """Not even by mistake: what was built is nobody's to write here."""
    for folder in ("/opt/tfx-rollout", "/opt/pipelines", "/etc"):
        expect(not os.access(folder, os.W_OK), f"{folder} can be written")


def no_compilers() -> None:
    """What builds stays in the builder."""
    found = [name for name in ("cc", "gcc", "g++", "c++", "clang", "uv") if shutil.which(name)]
    expect(not found, f"has {', '.join(found)}")


def command_answers() -> None:
    """The command is on the path and says what it can do; without arguments the image says the same."""
    default = [*IMAGE["entrypoint"], *IMAGE["command"]]
    for command in (["tfx-rollout", "--help"], default):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        expect(done.returncode == 0 and "rollout" in done.stdout, f"{' '.join(command)} says {done.stdout} {done.stderr}")


def parts_import() -> None:
    """The library, the example pipelines, and TFX exactly where the image is for it."""
    modules = ["tfx_rollout", "tensorflow", "grpc", "envoy"]
    if HAS_TFX:
        modules += ["taxi.preprocessing", "taxi.trainer", "tfx_rollout.tfx.versioned_pusher", "tfx_rollout.tfx.blessing_check"]
        modules += ["tfx_rollout.tfx.kubeflow.entrypoint"]
    if Path("/opt/pipelines/penguin/train.py").exists():
        modules += ["penguin.train"]
    for module in modules:
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=300, check=False
        )
        expect(done.returncode == 0, f"cannot import {module}: {done.stderr[-600:]}")
    title = IMAGE["labels"]["org.opencontainers.image.title"]
    expect(title.endswith("-tfx") == HAS_TFX, f"is {title}, and TFX is {'there' if HAS_TFX else 'missing'}")


def model_is_served() -> None:
    """Push, serve, roll out, predict over REST, stop: as in a pod."""
    export = Path("/tmp/export")
    made = python("-c", _MAKE_MODEL, str(export))
    expect(made.returncode == 0, f"cannot save a model: {made.stderr[-600:]}")
    command("push", str(export), "--model", "twice")
    plan = Path("/tmp/plan.yaml")
    plan.write_text("stages: [{share: 0.5}]\npromotion: automatic\n")
    serve = ["tfx-rollout", "serve", str(ROOT), "--host", "0.0.0.0", "--port", str(PORT), "--api-port", "0"]
    serve += ["--local", str(LOCAL), "--tethered"]
    log = Path("/tmp/supervisor.log")
    with log.open("wb") as output, subprocess.Popen(serve, stderr=output) as supervisor:
        try:
            await_true(lambda: status("/gateway/heartbeat") == 200, "the gateway does not answer", supervisor)
            command("rollout", "start", "--model", "twice", "--version", "1", "--plan", str(plan))
            await_true(lambda: status("/v1/models/twice/metadata") == 200, "the model does not get live", supervisor)
            answer = post("/v1/models/twice:predict", {"instances": [1.5, 4.0]})
            expect(answer == {"predictions": [3.0, 8.0]}, f"predicts {answer}")
        except SystemExit:
            print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
        finally:
            supervisor.send_signal(signal.SIGTERM)
            try:
                supervisor.wait(60)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                raise SystemExit("trial: the supervisor does not stop at SIGTERM within 60 s") from None
    expect(supervisor.returncode == 0, f"ends serving with code {supervisor.returncode}: {log.read_text()[-1500:]}")


_MAKE_MODEL = """
import sys
import tensorflow as tf
class Twice(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x):
        return {"twice": 2.0 * x}
module = Twice()
tf.saved_model.save(module, sys.argv[1], signatures=module.__call__)
"""


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """The image's Python, in a process of its own."""
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)


def command(*words: str) -> None:
    """The command, whose root is in the environment."""
    done = subprocess.run(["tfx-rollout", *words], capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode == 0, f"tfx-rollout {' '.join(words)} says {done.stdout} {done.stderr}")


def status(path: str) -> int:
    """The HTTP status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def post(path: str, body: object) -> object:
    """The answer to a POST of JSON."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def await_true(condition: Callable[[], bool], otherwise: str, supervisor: subprocess.Popen[bytes]) -> None:
    """Waits until it holds; the supervisor must live on meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        expect(supervisor.poll() is None, f"serves no longer: its supervisor ended with code {supervisor.returncode}")
        expect(time.monotonic() < deadline, f"is not sound: {otherwise} within {PATIENCE_S:g} s")
        time.sleep(0.2)


def expect(holds: bool, otherwise: str) -> None:
    """Ends the trial with a sentence unless it holds."""
    if not holds:
        raise SystemExit(f"trial: the image {otherwise}")


CHECKS = (user_is_not_root, nothing_can_be_changed, no_compilers, command_answers, parts_import, model_is_served)

if __name__ == "__main__":
    main()
