"""The root of the command and the table of its sub-commands."""

from __future__ import annotations

import click

import tfx_rollout
from tfx_rollout.cli.lazy import LazyGroup

_CLI = "tfx_rollout.cli"


@click.group(
    cls=LazyGroup,
    table={
        "serve": (f"{_CLI}.serve:serve", "Serve every model of a root behind one address, until stopped."),
        "stop": (f"{_CLI}.serve:stop", "End what goes on serving after a supervisor was killed."),
        "follow": (f"{_CLI}.follow:follow", "Let model servers of your own serve what is live."),
        "status": (f"{_CLI}.status:status", "Show what serves how much: versions, labels, split, servers."),
        "ready": (f"{_CLI}.status:ready", "Say whether the setup can do its work; exit code 1 if not."),
        "live": (f"{_CLI}.models:live", "Print the version that is live now."),
        "history": (f"{_CLI}.history:history", "List what was desired when, and when it was in force."),
        "metrics": (f"{_CLI}.metrics:metrics", "Show requests, errors, latencies; print files for Prometheus and Grafana."),
        "validate": (f"{_CLI}.validate:validate", "Ask a SavedModel in a server of its own, before it is pushed."),
        "push": (f"{_CLI}.models:push", "Publish a SavedModel as a new version; moves no traffic."),
        "versions": (f"{_CLI}.versions:versions", "List the versions of a model; hold, name or remove them."),
        "config": (f"{_CLI}.config:config", "Show what should be and what is; change it."),
        "rollout": (f"{_CLI}.rollout:rollout", "Start, watch and steer the staged change to a new version."),
        "ab-test": (f"{_CLI}.ab_test:ab_test", "Split users between versions, judged by a metric of your own."),
        "check": (f"{_CLI}.check:check", "Promote a rollout or roll it back, by all evidence about its model."),
        "rollback": (f"{_CLI}.rollback:rollback", "Return to the version that was live before."),
        "feedback": (f"{_CLI}.feedback:feedback", "Tell later whether predictions were right, by request id."),
        "plan": (f"{_CLI}.plan:plan", "Show a rollout plan, check one of your own, or forecast what it takes."),
        "simulate": (f"{_CLI}.simulate:simulate", "Simulate rollouts by a plan, decided by the judge itself."),
        "replay-decisions": (f"{_CLI}.replay_decisions:replay_decisions", "Judge a recorded rollout by another plan."),
        "replay": (f"{_CLI}.replay:replay", "Send recorded requests through the gateway and report per track."),
        "kubeflow": (f"{_CLI}.kubeflow:kubeflow", "Check a pipeline compiled for Kubeflow, and try it on this machine."),
        "schedule": (f"{_CLI}.schedule:schedule", "Retrain at set times: by Kubeflow, here, cron or systemd."),
        "whoami": (f"{_CLI}.access:whoami", "Print who you are, and with which role."),
        "token": (f"{_CLI}.access:token", "Make, list and revoke tokens for the API."),
        "audit": (f"{_CLI}.access:audit", "List who changed what."),
        "api-schema": (f"{_CLI}.api_schema:api_schema", "Print the OpenAPI description of the API."),
    },
    sections={
        "Serve": ("serve", "stop", "follow"),
        "See": ("status", "ready", "live", "history", "metrics"),
        "Change": ("validate", "push", "versions", "config", "rollout", "ab-test", "check", "rollback", "feedback"),
        "Try": ("plan", "simulate", "replay-decisions", "replay"),
        "Automate": ("kubeflow", "schedule"),
        "API and access": ("whoami", "token", "audit", "api-schema"),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(tfx_rollout.__version__, prog_name="tfx-rollout")
def app() -> None:
    """From a trained model to live traffic, in stages that may not hurt.

    Where a command works on the files of a root (--root) it can ask the root's API, too (--server), but for what
    needs the files.

    Exit codes: 0 done; 1 a rollout that was rolled back, or a general failure; 2 wrong input;
    3 somebody else was first; 4 not found; 5 storage; 6 a server or the gateway failed;
    7 Kubeflow Pipelines failed; 8 the API was not reached, or refused.
    """
