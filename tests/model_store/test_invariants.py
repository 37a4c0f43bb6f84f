"""Whatever is done in whatever order: versions are whole, their numbers only grow, and none is ever two models'."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tfx_rollout.model_store import ModelStore, content_digest

CONTENTS = st.sampled_from("abcde")


class BasePathMachine(RuleBasedStateMachine):
    """Pushes, removals, and what others do to a base path without asking."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.base = ModelStore(self.folder / "root").model("taxi")
        self.there: dict[int, str] = {}
        """Versions that are there, with their content."""
        self.ever: dict[int, str] = {}
        """Every number that was ever a version (or seemed one), with its content."""
        self.lost: set[int] = set()
        """Numbers whose folder somebody deleted by hand."""

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def source(self, content: str) -> Path:
        path = self.folder / content
        if not path.exists():
            (path / "variables").mkdir(parents=True)
            (path / "saved_model.pb").write_text(content)
            (path / "variables" / "data").write_text(content * 9)
        return path

    @rule(content=CONTENTS)
    def publish(self, content: str) -> None:
        held = [version for version, found in self.there.items() if found == content]
        published = self.base.publish(self.source(content))
        assert published.created is not bool(held)
        if held:
            assert published.version == max(held)
            return
        if published.version in self.lost:
            assert self.ever[published.version] == content
            assert published.version == max(self.ever)
        else:
            assert published.version > max(self.ever, default=0)
        self.there[published.version] = self.ever[published.version] = content
        self.lost.discard(published.version)

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.there)))
        self.base.remove_version(version)
        del self.there[version]

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def delete_by_hand(self, data: st.DataObject) -> None:
        # Known to the store first: what nobody ever saw cannot be remembered.
        self.base.adopt()
        version = data.draw(st.sampled_from(sorted(self.there)))
        shutil.rmtree(self.base.version_path(version))
        del self.there[version]
        self.lost.add(version)

    @rule(content=CONTENTS, above=st.integers(1, 1000))
    def another_pusher_makes_a_version(self, content: str, above: int) -> None:
        version = max(self.ever, default=0) + above
        shutil.copytree(self.source(content), self.base.path / str(version))
        self.there[version] = self.ever[version] = content

    @rule(above=st.integers(1, 9))
    def another_pusher_dies_half_way(self, above: int) -> None:
        version = max(self.ever, default=0) + above
        (self.base.path / str(version) / "variables").mkdir(parents=True)
        self.ever[version] = ""

    @rule()
    def the_program_starts_anew(self) -> None:
        self.base = ModelStore(self.folder / "root").model("taxi")

    @invariant()
    def versions_are_whole_and_are_what_they_were(self) -> None:
        assert self.base.versions() == sorted(self.there)
        for version, content in self.there.items():
            assert content_digest(self.base.version_path(version)) == content_digest(self.source(content))
            manifest = self.base.manifest(version)
            assert manifest is None or manifest.digest == content_digest(self.source(content))


TestBasePath = BasePathMachine.TestCase
TestBasePath.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
