from __future__ import annotations


def test_a_replay_without_a_gateway_says_what_to_give(run, tmp_path):
    (tmp_path / "trips.jsonl").write_text("{}\n")
    neither = run("replay", "--model", "taxi", "--input", tmp_path / "trips.jsonl")
    assert neither.exit_code == 2
    assert neither.stderr.startswith("error: Where should the requests go? Give --gateway HOST:PORT")
    unserved = run("replay", "--model", "taxi", "--input", tmp_path / "trips.jsonl", "--root", tmp_path)
    assert unserved.exit_code == 2
    assert unserved.stderr.startswith(f"error: No supervisor serves {tmp_path}")


def test_a_gateway_that_does_not_answer_is_named(run, tmp_path):
    (tmp_path / "trips.jsonl").write_text('{"x": 1.0}\n')
    result = run("replay", "--gateway", "127.0.0.1:9", "--model", "taxi", "--input", tmp_path / "trips.jsonl")
    assert result.exit_code == 6
    assert result.stderr.startswith("error: The gateway at 127.0.0.1:9 does not answer")
    assert result.stderr.count("\n") == 1


def test_labels_need_to_know_when_and_from_which_column_and_where_to(run, tmp_path):
    (tmp_path / "trips.jsonl").write_text('{"x": 1.0}\n')
    basic = ("replay", "--gateway", "127.0.0.1:9", "--model", "taxi", "--input", tmp_path / "trips.jsonl")
    for some in (("--labels-after", "5"), ("--label-column", "y"), ("--labels-after", "5", "--label-column", "y")):
        result = run(*basic, *some)
        assert result.exit_code == 2
        assert result.stderr == (
            "error: Labels need --labels-after SECONDS, --label-column NAME, and --feedback FILE or --root.\n"
        )
    whole = run(*basic, "--labels-after", "5", "--label-column", "y", "--feedback", tmp_path / "labels.jsonl")
    assert whole.exit_code == 2
    assert whole.stderr.startswith("error: No row has a label in column 'y'")
