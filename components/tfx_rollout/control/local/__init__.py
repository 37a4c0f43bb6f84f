"""`Control` on the files of a root: `LocalControl`.

control        the class, composed of the parts
overview, versions, configuration, rollouts, experiments, traffic, feedback, access: the parts
changing       how a change of the desired state is made; changes: what it makes of the state
model_files    the files of one model, read through read_cache
*_documents    the documents about them
"""

from tfx_rollout.control.local.control import LocalControl

__all__ = ["LocalControl"]
