"""The command of a container that runs this package, which tells an image without it in one sentence."""

from __future__ import annotations

_CODE = """\
import runpy, sys
from importlib.util import find_spec
if find_spec("tfx_rollout") is None:
    sys.exit("error: This task's image has no tfx-rollout in it; build one by kubeflow/image of tfx-rollout, \
or install tfx-rollout in yours.")
runpy.run_module("{module}", run_name="__main__", alter_sys=True)
"""


def module_command(module: str) -> tuple[str, ...]:
    """What `python -m module` does, where the image has this package; else its log says what is missing and what to do."""
    return ("python", "-c", _CODE.format(module=module))
