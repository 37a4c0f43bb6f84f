"""One real run of the pipeline, up to the Evaluator, and the models that come of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from taxi.spans import Spans, write_spans

SPAN = 3


@dataclass(frozen=True)
class Trained:
    """The harmful model that the pipeline run exported, a sound one from the same data, and what the run said."""

    spans: Spans
    root: Path
    told: list[str]
    harmful: Path
    sound: Path

    def one(self, pattern: str) -> Path:
        """The only path under the pipeline's root that matches."""
        (found,) = self.root.glob(pattern)
        return found

    def held_back(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.spans.held_back.read_text().splitlines()]


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    from taxi.run import run

    folder = tmp_path_factory.mktemp("taxi")
    spans, root, told = write_spans(folder / "data"), folder / "pipeline", []
    run(data=spans.folder, span=SPAN, pipeline_root=root, trainer_options={"unknown_company": "fail"}, tell=told.append)
    (harmful,) = root.glob("Trainer/model/*/Format-Serving")
    train_sound(root, folder / "sound")
    return Trained(spans, root, told, harmful, folder / "sound")


def train_sound(root: Path, folder: Path) -> None:
    """Trains as Trainer does, on what Transform of the same run has left, without the planted fault."""
    from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs
    from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

    from taxi.pipeline import TRAIN_STEPS
    from taxi.trainer import run_fn

    def dataset(files, options, schema):
        return TFExampleRecord(list(files), schema=schema).TensorFlowDataset(options)

    (graph,) = root.glob("Transform/transform_graph/*")
    run_fn(
        FnArgs(
            train_files=[str(file) for file in root.glob("Transform/transformed_examples/*/Split-train/*")],
            train_steps=TRAIN_STEPS,
            transform_output=str(graph),
            serving_model_dir=str(folder),
            data_accessor=DataAccessor(dataset, None, None),
        )
    )
