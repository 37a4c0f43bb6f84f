"""`python -m manifests.lint FOLDER …`: renders each kustomization and prints what is wrong with it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from manifests.lint.checks import lint
from manifests.lint.kustomize import render
from tfx_rollout.errors import RolloutError


def main() -> int:
    """Exit code 0 when nothing was found, 1 when something was, 2 when a folder cannot be rendered."""
    parser = argparse.ArgumentParser(description="Say what is wrong with the manifests of these kustomizations.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    found = 0
    for folder in parser.parse_args().folders:
        try:
            findings = lint(render(folder))
        except RolloutError as fault:
            print(f"error: {fault}", file=sys.stderr)
            return fault.exit_code
        for finding in findings:
            print(f"{folder}: {finding}")
        found += len(findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
