"""What all tests share: how hypothesis searches."""

from __future__ import annotations

import os

from hypothesis import settings

# How long an example takes says nothing on a machine that does other things too. A run that guards the main line
# looks at the same examples each time; everybody else's looks further.
settings.register_profile("here", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("here")
