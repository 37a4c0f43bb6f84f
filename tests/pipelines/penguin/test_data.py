"""Choosing penguins."""

from __future__ import annotations

import click
import pytest

from penguin.data import HELD_BACK, MEASURES, SPECIES, choose, read, split, write_csv


def test_the_file_has_every_penguin_that_was_measured():
    rows = read()
    assert len(rows) == 342
    assert [sum(row["species"] == species for row in rows) for species in SPECIES] == [151, 68, 123]
    assert all(float(row[measure]) > 0 for row in rows for measure in MEASURES)


def test_penguins_are_chosen_by_year_and_island():
    rows = choose(read(), ["2007", "2008"], ["Dream"])
    assert {(row["year"], row["island"]) for row in rows} == {("2007", "Dream"), ("2008", "Dream")}
    assert choose(read()) == read()


@pytest.mark.parametrize(
    ("years", "islands", "sentence"),
    [
        (["2010"], [], "There is no penguin of year 2010; known: 2007, 2008, 2009."),
        ([], ["Mars", "Dream"], "There is no penguin of island Mars; known: Biscoe, Dream, Torgersen."),
    ],
)
def test_what_nobody_measured_is_refused(years, islands, sentence):
    with pytest.raises(click.ClickException) as refused:
        choose(read(), years, islands)
    assert refused.value.message == sentence


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file or directory"), ("a,b\n1,2\n", "it has no column 'bill_length_mm'")]
)
def test_a_file_that_is_none_of_penguins_is_refused_in_one_sentence(tmp_path, content, said):
    file = tmp_path / "penguins.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(click.ClickException) as refused:
        read(file)
    assert refused.value.message.startswith(f"{file} cannot be read as measurements of penguins (")
    assert said in refused.value.message


def test_every_species_is_in_both_parts():
    rows = read()
    training, held_back = split(rows)
    assert len(held_back) == -(-len(rows) // HELD_BACK)
    assert sorted(map(str, training + held_back)) == sorted(map(str, rows))
    assert {row["species"] for row in held_back} == {row["species"] for row in training} == set(SPECIES)


def test_what_was_written_is_read_again(tmp_path):
    rows = read()[:5]
    write_csv(tmp_path / "some.csv", rows)
    assert read(tmp_path / "some.csv") == rows
