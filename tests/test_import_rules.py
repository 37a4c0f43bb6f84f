"""Imports run downwards, heavy libraries stay where they belong, and the core is cheap to import."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tfx_rollout

PACKAGE = Path(tfx_rollout.__file__).parent

LAYERS = [
    {"errors", "lazy_names"},
    {"traffic"},
    {"model_store", "saved_model"},
    {"validation", "blessing", "gateway", "evidence", "metrics", "analysis", "serving", "replay", "journal", "audit"},
    {"rollout", "experiment"},
    {"supervisor", "schedule"},
    {"steps"},
    {"tfx", "kfp", "control", "cli", "testing"},
]
"""From the ground up. Within a layer parts may use each other, but not in a circle."""
LAYER = {part: number for number, layer in enumerate(LAYERS) for part in layer}
ALONE = "model_server"

TENSORFLOW = {
    "tensorflow",
    "tensorflow_serving",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tensorflow_data_validation",
    "tensorflow_metadata",
    "tfx_bsl",
    "keras",
}
ONLY_IN = {"tfx": {"tfx"}, "ml_metadata": {"tfx"}, "apache_beam": {"tfx"}, "kfp": {"kfp"}}
WEB_IN = {
    "fastapi": ("control/http/",),
    "starlette": ("control/http/",),
    "uvicorn": ("control/http/", "model_server/"),
}
"""The API alone is on the web; the model server stands alone."""
TENSORFLOW_IN = {"model_server", "tfx"}
TENSORFLOW_LAZILY_IN = {"saved_model", "validation", "serving/grpc_stubs.py"}
HEAVY = {"tensorflow", "tfx", "apache_beam", "kfp"}


@dataclass(frozen=True)
class Import:
    """One import statement (or call of `import_module` with a constant name)."""

    file: str
    """Path below the package, with `/` between."""
    line: int
    target: str
    """Dotted name of the imported module."""
    lazy: bool
    """Within a function, or for the type checker only."""

    @property
    def part(self) -> str:
        """The part of ours that imports; empty for the package's own `__init__`."""
        first = self.file.split("/")[0]
        return "" if first == "__init__.py" else first.removesuffix(".py")

    @property
    def target_part(self) -> str | None:
        """The part of ours that is imported, if any; `__version__` is the package's own."""
        names = self.target.split(".")
        return names[1] if names[0] == "tfx_rollout" and len(names) > 1 and not names[1].startswith("__") else None

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


def imports_of(path: Path) -> Iterator[Import]:
    file = path.relative_to(PACKAGE).as_posix()
    package = ("tfx_rollout", *path.relative_to(PACKAGE).parts[:-1])
    yield from _imports(ast.parse(path.read_text()), file, package, lazy=False)


def _imports(node: ast.AST, file: str, package: tuple[str, ...], lazy: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for name in node.names:
            yield Import(file, node.lineno, name.name, lazy)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join([*above, *([node.module] if node.module else [])])
        for name in node.names:
            # `from tfx_rollout import x` means the module x, as far as it matters here.
            yield Import(file, node.lineno, f"{module}.{name.name}" if module == "tfx_rollout" else module, lazy)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            yield Import(file, node.lineno, node.args[0].value, lazy)
    inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for child in node.body:
            yield from _imports(child, file, package, lazy=True)
        for child in node.orelse:
            yield from _imports(child, file, package, inner)
        return
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, file, package, inner)


IMPORTS = [found for path in sorted(PACKAGE.rglob("*.py")) for found in imports_of(path)]
INTERNAL = [found for found in IMPORTS if found.target_part and found.part and found.target_part != found.part]


def test_every_part_has_its_layer():
    parts = {entry.stem for entry in PACKAGE.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert parts - {"__init__"} <= {*LAYER, ALONE}


def test_imports_run_downwards():
    wrong = [str(i) for i in INTERNAL if LAYER.get(i.part, 0) < LAYER.get(str(i.target_part), 0)]
    assert wrong == []


def test_parts_of_one_layer_do_not_import_each_other_in_a_circle():
    uses: dict[str, set[str]] = {}
    for found in INTERNAL:
        uses.setdefault(found.part, set()).add(str(found.target_part))

    def reached(part: str, seen: set[str]) -> set[str]:
        for other in uses.get(part, set()) - seen:
            seen.add(other)
            reached(other, seen)
        return seen

    assert {part for part in uses if part in reached(part, set())} == set()


def test_the_model_server_stands_alone():
    wrong = [str(i) for i in INTERNAL if ALONE in (i.part, i.target_part)]
    assert wrong == []


def test_replay_is_a_client_and_reads_nothing_that_the_setup_keeps_on_disk():
    assert {i.target_part for i in INTERNAL if i.part == "replay"} <= {"serving", "gateway", "evidence", "traffic", "errors"}


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_pipeline_library_is_imported_in_its_own_part_only(library: str):
    wrong = [str(i) for i in IMPORTS if i.target.split(".")[0] == library and i.part not in ONLY_IN[library]]
    assert wrong == []


@pytest.mark.parametrize("library", sorted(WEB_IN))
def test_a_library_of_the_web_is_imported_by_the_api_only(library: str):
    wrong = [str(i) for i in IMPORTS if i.target.split(".")[0] == library and not i.file.startswith(WEB_IN[library])]
    assert wrong == []


def test_only_the_process_of_the_api_and_commands_about_it_need_the_api():
    users = {i.file for i in IMPORTS if i.target.startswith("tfx_rollout.control.http")}
    assert {file for file in users if not file.startswith(("control/http/", "cli/"))} == {"control/__main__.py"}
    assert [
        str(i) for i in IMPORTS if i.file.startswith("cli/") and i.target.startswith("tfx_rollout.control.http") and not i.lazy
    ] == []


def test_tensorflow_is_imported_where_it_may_be_and_lazily_where_it_must():
    wrong = []
    for found in (i for i in IMPORTS if i.target.split(".")[0] in TENSORFLOW):
        anyhow = found.part in TENSORFLOW_IN
        lazily = found.lazy and (found.part in TENSORFLOW_LAZILY_IN or found.file in TENSORFLOW_LAZILY_IN)
        if not (anyhow or lazily):
            wrong.append(str(found))
    assert wrong == []


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after running this code."""
    script = f"import json, sys\n{code}\nprint('\\n' + json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_itself_imports_nothing_but_the_standard_library():
    foreign = loaded_by("import tfx_rollout") - loaded_by("") - sys.stdlib_module_names
    assert foreign == {"tfx_rollout"}


def test_the_control_without_its_api_imports_neither_fastapi_nor_tensorflow_and_asking_who_serves_is_cheap():
    assert loaded_by("import tfx_rollout.control") - loaded_by("") - sys.stdlib_module_names == {"tfx_rollout"}
    loaded = loaded_by("import tfx_rollout.control.interface, tfx_rollout.control.local, tfx_rollout.control.remote")
    assert loaded & {"fastapi", "starlette", "uvicorn", "grpc", *TENSORFLOW, *HEAVY} == set()
    assert loaded_by("import tfx_rollout.supervisor.presence") & {"grpc", "numpy", "pydantic"} == set()


@pytest.mark.integration
def test_the_core_imports_neither_tensorflow_nor_tfx_nor_beam_nor_kfp():
    core = sorted(part for part in LAYER if part not in ("tfx", "kfp", "control") and (PACKAGE / part).is_dir())
    assert loaded_by("\n".join(f"import tfx_rollout.{part}" for part in ["errors", *core])) & HEAVY == set()


@pytest.mark.integration
def test_the_commands_help_imports_neither_tensorflow_nor_tfx_nor_beam_nor_kfp():
    loaded = loaded_by(
        "import runpy\n"
        "sys.argv = ['tfx-rollout', '--help']\n"
        "try:\n    runpy.run_module('tfx_rollout.cli', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
    )
    assert "tfx_rollout" in loaded
    assert loaded & HEAVY == set()
