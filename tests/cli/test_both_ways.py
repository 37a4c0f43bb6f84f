"""The same command on the files of a root and by its API: the same output, exit codes and sentences."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from tfx_rollout.control import documents
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import plan_from_dict, start_rollout
from tfx_rollout.traffic import Label


@pytest.fixture
def base(tmp_path, saved_model):
    """Model `taxi` with version 1 live and versions 2 and 3 pushed."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for name in ("one", "two", "three"):
        base.publish(saved_model(name), provenance={"run": name})
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def ways(base, serve_api):
    """The root and its API."""
    return (("--root", base.store.root), ("--server", serve_api(base.store.root)))


@pytest.fixture(params=[0, 1], ids=["root", "server"])
def way(request, ways):
    """One after the other."""
    return ways[request.param]


@pytest.fixture
def ab_plan(tmp_path):
    file = tmp_path / "ranking.yaml"
    file.write_text(
        "header: x-user\nvariants: [{version: 2, share: 0.5}]\nmetric: {name: conversion, kind: event, within_seconds: 60}\n"
    )
    return file


SIGNED = bytes.fromhex(
    "080112690a07220573657276652a5e0a0f73657276696e675f64656661756c74124b0a1b0a017812160a03783a3010011a0d120b08ffff"
    "ffffffffffffff0112100a0179120b0a03793a3010011a0218011a1a74656e736f72666c6f772f73657276696e672f70726564696374"
)
"""A SavedModel without a graph: signature serving_default, from a float32 `x` of shape [?] to a float32 `y` of any."""


READING = [
    ("versions", "--model", "taxi"),
    ("versions", "show", 2, "--model", "taxi"),
    ("live", "--model", "taxi"),
    ("history", "--model", "taxi"),
    ("config", "--model", "taxi"),
    ("rollout", "list", "--model", "taxi"),
    ("rollout", "show", "--model", "taxi"),
    ("rollout", "report", "--model", "taxi"),
    ("rollout", "report", "--model", "taxi", "--html", "-"),
    ("ab-test", "list", "--model", "taxi"),
    ("metrics", "--model", "taxi", "--since", "1000", "--until", "2000"),
    ("token", "list"),
    ("ready",),
    ("audit",),
]


def test_what_is_read_is_printed_alike_as_text_and_as_json(run, base, ways):
    start_rollout(base, 3, plan_from_dict({"stages": [{"share": 0.5}]}), by="ann", why="a test")
    for arguments in READING:
        for form in ((), ("--json",)):
            if form and "--html" in arguments:
                continue
            here, there = (run(*arguments, *form, *way) for way in ways)
            assert here.exit_code in (0, 1 if arguments == ("ready",) else 0), here.output
            assert (here.exit_code, _steady(here.stdout)) == (there.exit_code, _steady(there.stdout)), arguments
            assert (here.stderr, there.stderr) == ("", ""), arguments


def test_signatures_are_told_alike(run, base, ways, saved_model):
    export = saved_model("signed")
    (export / "saved_model.pb").write_bytes(SIGNED)
    base.publish(export, provenance={})
    for way in ways:
        told = run("versions", "show", 4, "--model", "taxi", *way).stdout
        assert "signature serving_default\n  input  x: float32 [?]\n  output y: float32 any shape\n" in told


def _steady(text: str) -> str:
    """What does not hang on where it was read: paths, and since when the traffic is known."""
    lines = text.splitlines()
    return "\n".join(
        line for line in lines if '"path"' not in line and "complete_from" not in line and "nothing is known any more" not in line
    )


def test_status_tells_the_same_of_models_and_where_it_was_asked(run, base, ways, supervised):
    with supervised(base):
        here, there = (run("status", *way).stdout.splitlines() for way in ways)
        assert here[0].startswith(f"{ways[0][1]} is served on 127.0.0.1:8500 by process ")
        assert there[0].startswith(f"{ways[1][1]} is served on 127.0.0.1:8500 by process ")
    here, there = (run("status", *way).stdout.splitlines() for way in ways)
    assert here[1:] == there[1:]
    assert there[0] == f"No supervisor serves {ways[1][1]}"


def test_a_model_whose_files_are_damaged_is_named_by_status_beside_the_others(run, base, ways):
    other = base.store.model("bus")
    other.create()
    (other.control / "desired.json").write_text("{")
    for way in ways:
        told = run("status", *way)
        assert told.exit_code == 0
        assert "bus cannot be told of: " in told.stdout
        assert "taxi · generation 1" in told.stdout


DOCUMENTS: list[tuple[type[BaseModel], tuple[object, ...]]] = [
    (documents.Models, ("status",)),
    (documents.Versions, ("versions", "--model", "taxi")),
    (documents.Version, ("versions", "show", 2, "--model", "taxi")),
    (documents.Configuration, ("config", "show", "--model", "taxi")),
    (documents.Change, ("versions", "pin", 2, "--model", "taxi", "--dry-run")),
    (documents.Change, ("config", "set", "--topology", "shared", "--model", "taxi")),
    (documents.History, ("history", "--model", "taxi")),
    (documents.Traffic, ("metrics", "--model", "taxi")),
    (documents.Whoami, ("whoami",)),
    (documents.Tokens, ("token", "list")),
    (documents.AuditTrail, ("audit",)),
]


def test_json_is_the_documents_of_the_api(run_json, way):
    for document, arguments in DOCUMENTS:
        document.model_validate(run_json(*arguments, *way))


REFUSED = [
    (("versions", "--model", "cab"), 4, "There is no model cab in the root"),
    (("versions", "show", 9, "--model", "taxi"), 4, "There is no version 9 in model 'taxi'"),
    (("versions", "pin", 9, "--model", "taxi"), 4, "There is no version 9 in model 'taxi'"),
    (("versions", "pin", 2, "--model", "taxi", "--if-generation", 7), 3, "The desired state of model 'taxi' is at generation 1"),
    (("versions", "unload", 1, "--model", "taxi"), 3, "Version 1 of model 'taxi' is needed by label stable"),
    (("versions", "retire", 1, "--model", "taxi", "--yes"), 3, "Version 1 of model 'taxi' is in use"),
    (("versions", "alias", "set", "canary", 1, "--model", "taxi"), 2, "The desired state of model 'taxi' is refused"),
    (("versions", "alias", "remove", "nope", "--model", "taxi"), 4, "There is no alias nope"),
    (("config", "set", "--pinned", "9", "--model", "taxi"), 4, "There is no version 9"),
    (("rollback", "--model", "taxi"), 3, "Model 'taxi' has no previous version"),
    (("live", "--model", "cab"), 4, "There is no model cab"),
    (("rollout", "start", "--version", 9, "--model", "taxi"), 4, "There is no version 9"),
    (("rollout", "start", "--version", 1, "--model", "taxi"), 3, "Version 1 of model 'taxi' is live already"),
    (("rollout", "start", "--plan", "nope", "--model", "taxi"), 4, "There is no plan nope"),
    (("rollout", "approve", "--model", "taxi"), 4, "There is no rollout that runs in model taxi; known: none."),
    (("rollout", "report", "--model", "taxi"), 4, "There is no rollout at all in model taxi; known: none."),
    (("rollout", "watch", "20200101T000000-v1", "--model", "taxi"), 4, "There is no rollout 20200101T000000-v1"),
    (("ab-test", "stop", "--model", "taxi"), 4, "There is no A/B test that runs in model taxi; known: none."),
    (("ab-test", "report", "--model", "taxi"), 4, "There is no A/B test at all in model taxi"),
    (("ab-test", "watch", "20200101T000000-x", "--model", "taxi"), 4, "There is no A/B test 20200101T000000-x"),
    (("token", "revoke", "ann"), 4, "There is no token ann"),
    (("token", "create", "local", "--role", "read"), 2, "A token cannot be called local"),
    (("metrics", "--model", "cab"), 4, "There is no model cab"),
    (("metrics", "--model", "taxi", "--since", "2000", "--until", "1000"), 2, ""),
]


def test_what_cannot_be_is_refused_alike_and_nothing_changes(run, base, ways):
    before = base.desired()
    for arguments, exit_code, sentence in REFUSED:
        here, there = (run(*arguments, *way) for way in ways)
        for found in (here, there):
            assert (found.exit_code, found.stdout) == (exit_code, ""), (arguments, found.output)
        told = [
            [line for line in found.stderr.splitlines() if not line.startswith("Nothing happens until")]
            for found in (here, there)
        ]
        assert told[0] == told[1], arguments
        assert len(told[0]) == 1, arguments
        assert told[0][0].startswith(f"error: {sentence}"), arguments
    assert base.desired() == before


def test_versions_are_held_named_and_retired(run, way, base):
    place = (*way, "--model", "taxi")

    def told(*arguments: object) -> str:
        found = run("versions", *arguments, *place)
        assert found.exit_code == 0, found.output
        return found.stdout.splitlines()[0]

    assert told("pin", 2, "--dry-run") == "taxi: version 2 is pinned after this; nothing was written"
    assert base.desired().generation == 1
    assert told("pin", 2, "--why", "a test") == "taxi: version 2 is pinned (generation 2)"
    assert told("pin", 2) == "taxi: version 2 is pinned already (generation 2); nothing is to be done"
    assert told("alias", "set", "holiday", 3) == "taxi: version 3 is called holiday (generation 3)"
    assert base.desired().cause.why == "asked for on the command line"
    table = run("versions", *place).stdout
    assert "holiday" in table
    assert "pinned" in table
    assert told("alias", "remove", "holiday") == "taxi: holiday is no label any more (generation 4)"
    assert told("load", 3) == "taxi: version 3 is held (generation 5)"
    assert told("unload", 3) == "taxi: version 3 is held no more (generation 6)"
    assert told("unpin", 2) == "taxi: version 2 is not pinned (generation 7)"
    assert base.desired().versions == (1,)
    assert told("retire", 3, "--dry-run").endswith("would be removed for good")
    assert "in use" in told("retire", 1, "--dry-run")
    unasked = run("versions", "retire", 3, *place)
    assert (unasked.exit_code, base.versions()) == (2, [1, 2, 3])
    assert "say --yes" in unasked.stderr
    assert told("retire", 3, "--yes") == "taxi: version 3 is removed for good"
    assert base.versions() == [1, 2]


def test_a_retirement_is_asked_about_on_a_terminal(terminal, way, base):
    no, yes = (terminal("versions", "retire", 3, *way, "--model", "taxi") for _ in range(2))
    no.await_shown("Remove version 3 of taxi (0.0 MB) for good? [y/N]")
    no.type("n\n")
    assert no.wait() == 1
    assert base.versions() == [1, 2, 3]
    yes.await_shown("[y/N]")
    yes.type("y\n")
    assert yes.wait() == 0
    assert base.versions() == [1, 2]


def test_a_configuration_is_applied_from_a_file_at_its_generation(run, run_json, way, base, tmp_path):
    place = (*way, "--model", "taxi")
    file = tmp_path / "taxi.yaml"
    file.write_text("generation: 1\npinned: [2]\naliases: {holiday: 3}\ntopology: shared\nwhy: the season\n")
    applied = run("config", "apply", file, *place)
    assert applied.stdout.splitlines()[0] == "taxi: it is configured so (generation 2)"
    assert (base.desired().pinned, base.desired().aliases, base.desired().cause.why) == ((2,), {"holiday": 3}, "the season")
    again = run("config", "apply", file, *place)
    assert again.exit_code == 3
    assert "is at generation 2, not 1" in again.stderr
    assert run("config", "set", "--no-aliases", "--pinned", "", *place).exit_code == 0
    assert (base.desired().pinned, base.desired().aliases) == ((), {})
    shown = run("config", *place).stdout
    assert "taxi · generation 3: asked for on the command line" in shown
    assert run_json("config", "show", *place)["desired"]["topology"] == "shared"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("pined: [2]", "is not valid: pined is an unknown key; did you mean 'pinned'?"),
        ("pinned: [x]", "is not valid: pinned[0] is 'x', but must be a whole number."),
        ("generation: soon", "it must be a whole number"),
        ("- 1", "has no fields such as versions and pinned"),
        ("{", "cannot be read"),
    ],
)
def test_a_faulty_configuration_is_told_by_its_field_and_nothing_changes(run, way, base, tmp_path, content, sentence):
    file = tmp_path / "taxi.yaml"
    file.write_text(content)
    refused = run("config", "apply", file, *way, "--model", "taxi")
    assert (refused.exit_code, base.desired().generation) == (2, 1)
    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_rollout_is_started_shown_and_ordered_at_its_revision(run, run_json, way, base):
    place = (*way, "--model", "taxi")
    started = run_json("rollout", "start", *place, "--plan", "demo", "--why", "a test")
    assert {**started, "rollout": ""} == {"rollout": "", "model": "taxi", "version": 3, "plan": "demo"}
    shown = run_json("rollout", "show", *place)
    assert (shown["id"], shown["why"]) == (started["rollout"], "a test")
    stale = run("rollout", "abort", *place, "--if-revision", "long ago")
    assert (stale.exit_code, stale.stdout) == (3, "")
    ordered = run_json("rollout", "abort", *place, "--if-revision", shown["revision"], "--why", "enough")
    assert (ordered["rollout"], ordered["kind"], ordered["why"], ordered["now"]) == (started["rollout"], "abort", "enough", False)
    assert run("rollout", "abort", *place).exit_code == 3
    assert "abort by" in run("rollout", "show", *place).stdout


def test_an_ab_test_is_checked_started_shown_and_stopped(run, run_json, way, ab_plan):
    place = (*way, "--model", "taxi")
    assert "judged by conversion (event, higher is better)" in run("ab-test", "check", ab_plan).stdout
    started = run_json("ab-test", "start", ab_plan, *place, "--why", "a test")
    documents.Experiment.model_validate(started)
    assert (started["name"], started["why"]) == ("ranking", "a test")
    assert started["id"] in run("ab-test", "list", *place).stdout
    assert "A/B test" in run("status", *place).stdout
    assert run("rollout", "start", *place).exit_code == 3
    assert f"A/B test {started['id']}" in run("ab-test", "report", *place).stdout
    assert run("ab-test", "report", *place, "--html", "-").stdout.lower().startswith("<!doctype html>")
    shown = run_json("ab-test", "show", *place)
    assert run("ab-test", "promote", "--variant", "variant-f", *place).exit_code == 3
    assert run("ab-test", "stop", *place, "--if-revision", "long ago").exit_code == 3
    stopped = run("ab-test", "stop", *place, "--if-revision", shown["revision"])
    assert stopped.stdout == f"A/B test {started['id']}: ordered to stop\n"


def test_a_secret_is_told_once_alone_and_lets_in(run, run_json, base, ways, tmp_path, monkeypatch):
    (_, root), (_, url) = ways
    made = run("token", "create", "ann", "--role", "read", "--days", "2", "--root", root)
    secret = made.stdout.strip()
    assert made.stdout == f"{secret}\n"
    assert secret not in made.stderr
    assert "token ann with role read" in made.stderr
    file = tmp_path / "ann.token"
    file.write_text(made.stdout)
    assert run("whoami", "--server", url, "--token-file", file).stdout == "ann (read)\n"
    monkeypatch.setenv("TFX_ROLLOUT_TOKEN", secret)
    assert run_json("whoami", "--server", url) == {"name": "ann", "role": "read"}
    refused = run("versions", "pin", 2, "--server", url, "--model", "taxi")
    assert refused.exit_code == 8
    assert "does not allow this (403: This needs the role operate" in refused.stderr
    assert secret not in refused.stderr
    assert run("token", "revoke", "ann", "--root", root).stdout == "token ann (read) is worth nothing any more\n"
    gone = run("status", "--server", url)
    assert (gone.exit_code, gone.stdout) == (8, "")
    assert "did not take the token (401" in gone.stderr
    monkeypatch.delenv("TFX_ROLLOUT_TOKEN")
    assert "asks for a token (401" in run("status", "--server", url).stderr
    trail = run("audit", "--root", root).stdout
    assert "ann" in trail
    assert secret not in trail


def test_feedback_is_given_both_ways(run, way, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"request_id": "a", "correct": true}\n{"request_id": "b", "correct": false}\n')
    place = (*way, "--model", "taxi")
    assert run("feedback", rows, *place).stdout == "taxi: 2 new, 0 known before\n"
    rows.write_text(rows.read_text() + "nonsense\n")
    refused = run("feedback", rows, *place)
    assert refused.exit_code == 2
    assert "line 3 is not JSON" in refused.stderr


@pytest.mark.parametrize("value", ["", "two words", "zwei\nzeilen", "ümlaut"])
def test_a_file_without_a_token_is_refused_without_telling_what_is_in_it(run, tmp_path, value):
    file = tmp_path / "token"
    file.write_text(value)
    refused = run("status", "--server", "http://127.0.0.1:1", "--token-file", file)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: The file {file} has no token")
    assert value not in refused.stderr or not value


def test_one_place_is_to_be_named_and_the_command_line_comes_before_the_environment(run, base, ways, monkeypatch):
    (_, root), (_, url) = ways
    assert "Neither a root nor a server is named" in run("status").stderr
    assert "Both a root and a server are named" in run("status", "--root", root, "--server", url).stderr
    assert "are for --server" in run("status", "--root", root, "--token-file", "x").stderr
    monkeypatch.setenv("TFX_ROLLOUT_SERVER", url)
    assert run("status").exit_code == 0
    assert str(root) in run("status", "--root", root).stdout
    monkeypatch.setenv("TFX_ROLLOUT_ROOT", str(root))
    assert run("status").exit_code == 2
    assert run("live", "--model", "taxi", "--server", url).stdout == "1\n"


def test_who_asks_over_the_api_is_whom_the_token_belongs_to(run, ways):
    refused = run("versions", "pin", 2, "--model", "taxi", *ways[1], "--by", "ben")
    assert refused.exit_code == 2
    assert refused.stderr == "error: The API records whom the token belongs to; leave --by out, or give --root.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "x"),
        ("validate", "x"),
        ("check", "x", "--rollout", "y"),
        ("rollout", "run", "--version", 1),
        ("rollout", "end", "--begun-by", "x"),
    ],
)
def test_what_needs_the_files_says_so_where_a_server_is_named(run, arguments):
    refused = run(*arguments, "--server", "http://127.0.0.1:1", "--model", "taxi")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "needs the files of the root and cannot be asked of a server; give --root ROOT" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_an_api_that_is_not_there_is_told_in_one_sentence(run):
    found = run("status", "--server", "http://127.0.0.1:1")
    assert found.exit_code == 8
    assert found.stderr.startswith("error: The API at http://127.0.0.1:1 cannot be reached")
    assert found.stderr.count("\n") == 1


def test_the_schema_is_openapi_with_every_route(run):
    document = json.loads(run("api-schema").stdout)
    assert document["openapi"].startswith("3.")
    assert {"/v1/models/{model}/configuration", "/v1/models/{model}/rollouts/{rollout}/orders"} <= {*document["paths"]}


@pytest.mark.parametrize(("name", "begins"), [("scrape-config", "#"), ("rules", "#"), ("board", "{")])
def test_files_for_those_who_watch_from_outside_are_printed(run, name, begins):
    assert run("metrics", name).stdout.lstrip().startswith(begins)


def test_the_audit_trail_names_who_asked_locally(run, base):
    run("versions", "pin", 2, "--root", base.store.root, "--model", "taxi", "--by", "ben", "--why", "so")
    (entry,) = LocalControl(base.store, by="x").audit().entries
    assert (entry.by, entry.facts["why"]) == ("ben", "so")
