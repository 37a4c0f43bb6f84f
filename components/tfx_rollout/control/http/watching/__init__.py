"""Server-sent events: one look at the files for all who watch, told to each at their own pace.

feed      what was told last, kept once for all watchers of one thing
signs     whether anything changed, from the dates of files
topics    what can be watched: all models, one model, one rollout or A/B test
watch     who watches what, and the one task that looks
stream    the answer that goes on
"""

from tfx_rollout.control.http.watching.stream import EventStream
from tfx_rollout.control.http.watching.watch import Watch

__all__ = ["EventStream", "Watch"]
