"""The penguins that a run trains on, and examples of them for the infra validation.

python -m penguin.data --data FOLDER --examples FILE --years 2007,2008 --islands Biscoe
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

FILE = Path(__file__).parent / "data" / "penguins.csv"
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
ISLAND = "island"
HELD_BACK = 4
"""Every fourth penguin is held back to evaluate with; the file is sorted by species, so each has its share."""

Row = dict[str, str]


def read(file: Path = FILE) -> list[Row]:
    """All penguins that were measured, in the order of the file. `ClickException` where it is none of penguins."""
    try:
        with file.open(newline="") as lines:
            return [row for row in csv.DictReader(lines) if all(row[measure] != "NA" for measure in MEASURES)]
    except (OSError, UnicodeDecodeError, KeyError) as fault:
        said = f"it has no column {fault}" if isinstance(fault, KeyError) else str(fault)
        raise click.ClickException(f"{file} cannot be read as measurements of penguins ({said}); give another file.") from fault


def choose(rows: Iterable[Row], years: Sequence[str] = (), islands: Sequence[str] = ()) -> list[Row]:
    """The penguins of these years and islands; of all where none are named. `ClickException` where there are none."""
    rows = list(rows)
    for column, wanted in (("year", years), (ISLAND, islands)):
        known = {row[column] for row in rows}
        if unknown := [each for each in wanted if each not in known]:
            raise click.ClickException(
                f"There is no penguin of {column} {', '.join(unknown)}; known: {', '.join(sorted(known))}."
            )
    chosen = [row for row in rows if (not years or row["year"] in years) and (not islands or row[ISLAND] in islands)]
    if not chosen:
        raise click.ClickException(f"There is no penguin of {', '.join(years)} on {', '.join(islands)}; name more of either.")
    return chosen


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Those to train on, and those to evaluate with."""
    return [row for n, row in enumerate(rows) if n % HELD_BACK], list(rows[::HELD_BACK])


def write_csv(file: Path, rows: Sequence[Row]) -> None:
    """Writes penguins as a CSV file."""
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_examples(file: Path, rows: Iterable[Row]) -> None:
    """Writes penguins as a TFRecord file of `tf.Example`s with the features of the model."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(file)) as writer:
        for row in rows:
            features = {name: tf.train.Feature(float_list=tf.train.FloatList(value=[float(row[name])])) for name in MEASURES}
            features[ISLAND] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[row[ISLAND].encode()]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder for train.csv and eval.csv.")
@click.option("--examples", required=True, type=click.Path(path_type=Path), help="TFRecord file of tf.Examples.")
@click.option(
    "--measurements", default=FILE, type=click.Path(path_type=Path), help="CSV file of all penguins.  [default: the one here]"
)
@click.option("--years", default="", help="Years, separated by commas.  [default: all]")
@click.option("--islands", default="", help="Islands, separated by commas.  [default: all]")
def main(data: Path, examples: Path, measurements: Path, years: str, islands: str) -> None:
    """Choose penguins, and write them to train on, to evaluate with, and as examples."""
    rows = choose(read(measurements), _names(years), _names(islands))
    data.mkdir(parents=True, exist_ok=True)
    examples.parent.mkdir(parents=True, exist_ok=True)
    for name, part in zip(("train.csv", "eval.csv"), split(rows), strict=True):
        write_csv(data / name, part)
    write_examples(examples, rows)
    click.echo(f"{len(rows)} penguins")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
