"""tfx-rollout: from a trained model to live traffic, in stages that may not hurt.

The names below are loaded on first use, so that importing the package costs
nothing and pulls in neither TFX nor TensorFlow.
"""

from __future__ import annotations

__version__ = "0.1.0"
