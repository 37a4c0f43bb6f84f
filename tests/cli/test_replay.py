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
