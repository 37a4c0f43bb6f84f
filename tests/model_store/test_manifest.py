from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import CorruptState
from tfx_rollout.model_store import FileDigest, Manifest, write_json
from tfx_rollout.model_store.digest import digest_of
from tfx_rollout.model_store.manifest import read_manifest

FILES = st.lists(
    st.builds(FileDigest, st.text(min_size=1), st.integers(0), st.text("0123456789abcdef", min_size=64, max_size=64)), max_size=3
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    files = tuple(draw(FILES))
    return Manifest(
        version=draw(st.integers(0, 2**63 - 1)),
        digest=digest_of(files),
        files=files,
        source=draw(st.text()),
        published_at=draw(st.floats(0, 1e10)),
        adopted=draw(st.booleans()),
        provenance=draw(st.dictionaries(st.text(), st.text(), max_size=3)),
    )


@settings(max_examples=50, deadline=None)
@given(manifests())
def test_a_manifest_reads_back_as_it_was_written(scratch: Path, manifest: Manifest):
    path = scratch / "manifest.json"
    write_json(path, manifest.to_json())
    assert read_manifest(path) == manifest
    assert manifest.size == sum(file.size for file in manifest.files)


EXAMPLE = Manifest(3, digest_of([FileDigest("a", 1, "00")]), (FileDigest("a", 1, "00"),), "/from", 1.0)


@pytest.mark.parametrize(
    "change",
    [{"schema": 99}, {"files": [{"path": "a"}]}, {"files": []}, {"digest": "sha256:0"}, {"files": 7}],
    ids=["schema", "fields", "other files", "other digest", "no list"],
)
def test_a_manifest_that_contradicts_itself_is_corrupt(tmp_path: Path, change):
    path = tmp_path / "3.json"
    path.write_text(json.dumps({**EXAMPLE.to_json(), **change}))
    with pytest.raises(CorruptState, match="no manifest"):
        read_manifest(path)


def test_a_manifest_without_one_of_its_fields_is_corrupt(tmp_path: Path):
    path = tmp_path / "3.json"
    for field in EXAMPLE.to_json():
        path.write_text(json.dumps({k: v for k, v in EXAMPLE.to_json().items() if k != field}))
        with pytest.raises(CorruptState):
            read_manifest(path)
