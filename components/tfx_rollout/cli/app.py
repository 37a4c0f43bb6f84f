"""The root of the command and the table of its sub-commands."""

from __future__ import annotations

import click

import tfx_rollout
from tfx_rollout.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    table={
        "serve": ("tfx_rollout.cli.serve:serve", "Serve every model of a root behind one address, until stopped."),
        "stop": ("tfx_rollout.cli.serve:stop", "End what goes on serving after a supervisor was killed."),
        "follow": ("tfx_rollout.cli.follow:follow", "Let model servers of your own serve what is live."),
        "validate": ("tfx_rollout.cli.validate:validate", "Ask a SavedModel in a server of its own, before it is pushed."),
        "push": ("tfx_rollout.cli.models:push", "Publish a SavedModel as a new version; moves no traffic."),
        "versions": ("tfx_rollout.cli.models:versions", "List the versions of a model and where they came from."),
        "live": ("tfx_rollout.cli.models:live", "Print the version that is live now."),
        "status": ("tfx_rollout.cli.status:status", "Show what serves how much: versions, labels, split, servers."),
        "rollout": ("tfx_rollout.cli.rollout:rollout", "Start, watch and steer the staged change to a new version."),
        "check": ("tfx_rollout.cli.check:check", "Promote a rollout or roll it back, by all evidence about its model."),
        "rollback": ("tfx_rollout.cli.rollback:rollback", "Return to the version that was live before."),
        "plan": ("tfx_rollout.cli.plan:plan", "Show a rollout plan, check one of your own, or forecast what it takes."),
        "simulate": ("tfx_rollout.cli.simulate:simulate", "Simulate rollouts by a plan, decided by the judge itself."),
        "replay-decisions": ("tfx_rollout.cli.replay_decisions:replay_decisions", "Judge a recorded rollout by another plan."),
        "feedback": ("tfx_rollout.cli.feedback:feedback", "Tell later whether predictions were right, by request id."),
        "kubeflow": ("tfx_rollout.cli.kubeflow:kubeflow", "Check a pipeline compiled for Kubeflow, and try it on this machine."),
        "schedule": ("tfx_rollout.cli.schedule:schedule", "Retrain at set times: by Kubeflow, here, cron or systemd."),
        "replay": ("tfx_rollout.cli.replay:replay", "Send recorded requests through the gateway and report per track."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(tfx_rollout.__version__, prog_name="tfx-rollout")
def app() -> None:
    """From a trained model to live traffic, in stages that may not hurt.

    Exit codes: 0 done; 1 a rollout that was rolled back, or a general failure; 2 wrong input;
    3 somebody else was first; 4 not found; 5 storage; 6 a server or the gateway failed;
    7 Kubeflow Pipelines failed.
    """
