"""What a SavedModel promises its clients, read without TensorFlow, and whether two versions promise the same."""

from tfx_rollout.saved_model.compatibility import Compatibility, compare
from tfx_rollout.saved_model.read import read_signatures, require_signatures
from tfx_rollout.saved_model.signature import Signature, TensorSpec

__all__ = ["Compatibility", "Signature", "TensorSpec", "compare", "read_signatures", "require_signatures"]
