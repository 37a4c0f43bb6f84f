"""`tfx-rollout api-schema`: the API's description, for generators of clients and other tools."""

from __future__ import annotations

import click

from tfx_rollout.cli.lazy import print_json


@click.command("api-schema")
def api_schema() -> None:
    """Print the OpenAPI description of the HTTP API."""
    from tfx_rollout.control.http.openapi import openapi_document

    print_json(openapi_document())
