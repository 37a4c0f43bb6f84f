"""`Control` over HTTP: by the API of a root, version 1.

problems    the API's problems, as the errors that they were there
channel     requests, their answers and what can go wrong between; retries for what only reads
events      server-sent events, resumed where they broke off
control     `RemoteControl`, thin over these
"""

from tfx_rollout.control.remote.control import RemoteControl

__all__ = ["RemoteControl"]
