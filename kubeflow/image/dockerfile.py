"""A Dockerfile as data: its stages, and what each instruction says with all variables filled in. Pure.

Only what our own Dockerfiles use is understood: comments, continued lines, ARG, FROM … AS,
ENV, RUN (shell form), COPY (with --from), USER, WORKDIR, LABEL, EXPOSE, ENTRYPOINT and CMD (as
JSON). Anything else is refused, since a build that skips an instruction would prove nothing.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfx_rollout.errors import InvalidInput

_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|\$(?P<bare>\w+)")


@dataclass(frozen=True)
class Run:
    """A shell command. Variables are the shell's to fill in, from `environment`."""

    command: str
    environment: Mapping[str, str]
    user: str
    folder: str


@dataclass(frozen=True)
class Copy:
    """Files from the build context, or from the stage `stage`, to an absolute path."""

    sources: tuple[str, ...]
    target: str
    stage: str | None
    into_folder: bool
    """Whether the target is a folder that the sources go into."""


@dataclass
class Stage:
    """One FROM and what follows it. What an image keeps of it: environment, user, folder, entry point, labels, ports."""

    name: str
    base: str
    steps: list[Run | Copy] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class Instruction:
    """A line (joined with those that continue it): where it begins, its word and the rest."""

    line: int
    word: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """The instructions in their order, without comments."""
    found: list[Instruction] = []
    parts: list[str] = []
    begin = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not parts):
            continue
        if not parts:
            begin = number
        continued = line.rstrip().endswith("\\")
        parts.append(line.rstrip().removesuffix("\\").strip())
        if not continued:
            word, _, rest = " ".join(part for part in parts if part).partition(" ")
            found.append(Instruction(begin, word.upper(), rest.strip()))
            parts = []
    if parts:
        raise InvalidInput(f"Line {begin} of the Dockerfile goes on after its end; remove the last backslash.")
    return found


def stages(text: str, arguments: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages in their order, built with these `--build-arg`s. Raises `InvalidInput` with the line."""
    given = dict(arguments or {})
    before: dict[str, str] = {}
    """ARGs ahead of the first FROM: they fill in FROM lines, and stages that ask for them."""
    built: list[Stage] = []
    local: dict[str, str] = {}
    asked: set[str] = set()
    for at in instructions(text):
        stage = built[-1] if built else None
        if at.word == "ARG":
            name, has_default, default = at.rest.partition("=")
            asked.add(name)
            scope = before if stage is None else local
            known = {**before, **(stage.environment if stage else {}), **local}
            if name in given:
                scope[name] = given[name]
            elif has_default:
                scope[name] = _filled(_unquoted(default), known, at)
            elif stage is not None and name in before:
                scope[name] = before[name]
            continue
        if at.word == "FROM":
            words = _filled(at.rest, before, at).split()
            if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
                raise _refused(at, "give FROM an image and AS a name")
            built.append(Stage(name=words[2] if len(words) == 3 else str(len(built)), base=words[0]))
            local = {}
            continue
        if stage is None:
            raise _refused(at, "begin with FROM")
        _add(stage, at, local, [former.name for former in built[:-1]])
    if unasked := sorted(given.keys() - asked):
        raise InvalidInput(f"The Dockerfile has no ARG {', '.join(unasked)}; it has {', '.join(sorted(asked))}.")
    return built


def _add(stage: Stage, at: Instruction, local: Mapping[str, str], earlier: Sequence[str]) -> None:
    known = {**local, **stage.environment}
    match at.word:
        case "ENV" | "LABEL":
            pairs = [word.partition("=") for word in shlex.split(at.rest)]
            if not all(equals for _, equals, _ in pairs):
                raise _refused(at, "write it as NAME=value")
            kept = stage.environment if at.word == "ENV" else stage.labels
            kept.update({name: _filled(value, known, at) for name, _, value in pairs})
        case "RUN":
            if at.rest.startswith(("[", "--", "<<")):
                raise _refused(at, "write RUN as a plain shell command")
            # As Docker has it: what ENV says wins over an ARG of the same name.
            stage.steps.append(Run(at.rest, known, stage.user, stage.folder))
        case "COPY":
            stage.steps.append(_copy(stage, at, known, earlier))
        case "USER":
            stage.user = _filled(at.rest, known, at)
        case "WORKDIR":
            stage.folder = _joined(stage.folder, _filled(at.rest, known, at))
        case "ENTRYPOINT" | "CMD":
            words = _json_words(at)
            if at.word == "ENTRYPOINT":
                stage.entrypoint = words
            else:
                stage.command = words
        case "EXPOSE":
            stage.ports += tuple(int(port) for port in _filled(at.rest, known, at).split())
        case _:
            raise _refused(at, "leave it out, or teach it to kubeflow/image/dockerfile.py")


def _copy(stage: Stage, at: Instruction, known: Mapping[str, str], earlier: Sequence[str]) -> Copy:
    words = shlex.split(_filled(at.rest, known, at))
    options = [word for word in words if word.startswith("--")]
    *sources, target = [word for word in words if not word.startswith("--")]
    origin = None
    for option in options:
        name, _, value = option.partition("=")
        if name != "--from":
            raise _refused(at, f"leave out {name}")
        if value not in earlier:
            raise _refused(at, f"copy from one of the stages before it ({', '.join(earlier) or 'there is none'})")
        origin = value
    if not sources:
        raise _refused(at, "give COPY a source and a target")
    into = target.endswith("/") or target in (".", "./") or len(sources) > 1
    if len(sources) > 1 and not target.endswith("/"):
        raise _refused(at, "end the target with / where several files go there")
    return Copy(tuple(sources), _joined(stage.folder, target), origin, into)


def _json_words(at: Instruction) -> tuple[str, ...]:
    try:
        words = json.loads(at.rest)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _refused(at, 'write it as ["word", "word"], so that signals reach the program and not a shell')
    return tuple(words)


def _joined(folder: str, path: str) -> str:
    joined = path if path.startswith("/") else f"{folder.rstrip('/')}/{path}"
    return "/" + "/".join(part for part in joined.split("/") if part not in ("", "."))


def _filled(text: str, known: Mapping[str, str], at: Instruction) -> str:
    def value(found: re.Match[str]) -> str:
        name = found["braced"] or found["bare"]
        if name in known:
            return known[name]
        if found["default"] is not None:
            return found["default"]
        raise _refused(at, f"declare {name} by ARG or ENV before it is used")

    return _VARIABLE.sub(value, text)


def _unquoted(text: str) -> str:
    return " ".join(shlex.split(text))


def _refused(at: Instruction, mend: str) -> InvalidInput:
    return InvalidInput(f"Line {at.line} of the Dockerfile cannot be followed ({at.word} {at.rest[:60]}); {mend}.")
