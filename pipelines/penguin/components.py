"""The two steps before the deployment stage, as components of the image that has `penguin` on its path."""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import Artifact, Dataset, Model, Output

from tfx_rollout.kfp.components.types import Text


def choose_penguins_in(image: str) -> BaseComponent:
    """The component that chooses penguins, for an image."""

    @dsl.container_component
    def choose_penguins(
        measurements: dsl.Input[Dataset], years: str, islands: str, data: Output[Dataset], examples: Output[Artifact]
    ) -> dsl.ContainerSpec:
        """Chooses the penguins to train on, and writes examples of them.

        Args:
            measurements: CSV file of all penguins.
            years: Years, separated by commas; empty for all.
            islands: Islands, separated by commas; empty for all.
            data: Folder with train.csv and eval.csv.
            examples: TFRecord file of tf.Examples.
        """
        return dsl.ContainerSpec(
            image=image,
            command=["python", "-m", "penguin.data"],
            args=[
                "--measurements", measurements.path,
                "--years", years,
                "--islands", islands,
                "--data", data.path,
                "--examples", examples.path,
            ],
        )  # fmt: skip

    return choose_penguins


def train_model_in(image: str) -> BaseComponent:
    """The component that trains, for an image."""

    @dsl.container_component
    def train_model(
        data: dsl.Input[Dataset],
        min_accuracy: float,
        epochs: int,
        model: Output[Model],
        metrics: Output[Artifact],
        good: Text,
    ) -> dsl.ContainerSpec:
        """Trains a model with plain Keras and exports it.

        Args:
            data: Folder with train.csv and eval.csv.
            min_accuracy: How accurate the model has to be.
            epochs: How often it sees each penguin.
            model: The SavedModel.
            metrics: JSON file of its metrics on the penguins that were held back.
            good: yes or no, is it accurate enough?
        """
        return dsl.ContainerSpec(
            image=image,
            command=["python", "-m", "penguin.train"],
            args=[
                "--data", data.path,
                "--min-accuracy", min_accuracy,
                "--epochs", epochs,
                "--model", model.path,
                "--metrics", metrics.path,
                "--good", good,
            ],
        )  # fmt: skip

    return train_model
