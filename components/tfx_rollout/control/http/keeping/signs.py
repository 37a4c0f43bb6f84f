"""Whether anything of a model changed, from the dates of its files: far cheaper than reading them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tfx_rollout.control.http.keeping.listings import Listings
from tfx_rollout.control.local.record_id import is_record_id
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.model_store import ModelStore
from tfx_rollout.model_store.file_stamp import SETTLED_NS, FileStamp
from tfx_rollout.model_store.layout import LOCK
from tfx_rollout.model_store.store import is_model_name
from tfx_rollout.rollout.journal import Journal

NEWEST = 4
"""So many of the newest rollouts and A/B tests are looked into; older ones have ended."""
MOST_MODELS = 1024
"""Where the files of so many models lie is kept, and no more: whoever asks may make up names."""


@dataclass(frozen=True)
class Sign:
    """Equal to another one where what it stands for is the same."""

    of: object
    settled: bool = field(default=True, compare=False)
    """Whether the next change is sure to show. What was made of the files before that must not be kept."""


class _Folders(NamedTuple):
    """Where the files of a model lie. As text: a path is dear to make, and this is asked at every request."""

    base: str
    control: str
    rollouts: str
    experiments: str


class Signs:
    """The signs of the models of a root. Safe to use from several threads."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._listings = Listings()
        self._folders: dict[str, _Folders] = {}

    def of(self, model: str, *, rollout: str | None = None, experiment: str | None = None) -> Sign:
        """Differs from the sign before when a version of the model came or went, or a control file was written.

        Of its rollouts and A/B tests the newest count, and those that are named. Raises `InvalidInput` for no model's name.
        """
        stamps = tuple(self._stamps(self._folders_of(model), rollout, experiment))
        newest = max((stamp.changed_ns for _, stamp in stamps if stamp is not None), default=0)
        return Sign(stamps, time.time_ns() - newest > SETTLED_NS)

    def of_all(self) -> Sign:
        """The signs of all models in one, and of whatever else in the root has a name that a model could have."""
        names = (path.rpartition("/")[2] for path in self._listings.of(str(self._store.root)))
        signs = tuple(self.of(name) for name in names if is_model_name(name))
        return Sign(signs, all(sign.settled for sign in signs))

    def _folders_of(self, model: str) -> _Folders:
        found = self._folders.get(model)
        if found is None:
            base = self._store.model(model)
            records = (str(kind.folder_of(base)) for kind in (Journal, ExperimentJournal))
            found = _Folders(str(base.path), str(base.control), *records)
            if len(self._folders) >= MOST_MODELS:
                self._folders.clear()
            self._folders[model] = found
        return found

    def _stamps(self, folders: _Folders, rollout: str | None, experiment: str | None) -> Iterator[tuple[str, FileStamp | None]]:
        yield folders.base, _stamp(folders.base)
        yield from _stamps_of(file for file in self._listings.of(folders.control) if not file.endswith(f"/{LOCK}"))
        for records, named in ((folders.rollouts, rollout), (folders.experiments, experiment)):
            for record in self._listings.of(records)[-NEWEST:]:
                yield from _stamps_of(self._listings.of(record))
            # An address is not checked yet when it is asked for its sign: what is no id must not become a folder's name.
            if named is not None and is_record_id(named):
                yield from _stamps_of(self._listings.of(f"{records}/{named}"))


def _stamps_of(files: Iterable[str]) -> Iterator[tuple[str, FileStamp | None]]:
    return ((file, _stamp(file)) for file in files)


def _stamp(file: str) -> FileStamp | None:
    try:
        return FileStamp.of(file)
    except OSError:
        return None
