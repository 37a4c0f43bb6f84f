"""What the audit trail says of an error is what the API answers with."""

from __future__ import annotations

import inspect

import pytest

from tfx_rollout import errors
from tfx_rollout.audit import status_of
from tfx_rollout.control.http.problems import STATUSES

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.RolloutError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_the_status_of_the_api(kind):
    of_api = next((STATUSES[base] for base in kind.__mro__ if base in STATUSES), 500)
    assert status_of(kind.__new__(kind)) == of_api
