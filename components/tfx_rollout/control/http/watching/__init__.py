"""Server-sent events: one look at the files for all who watch, told to each at their own pace.

feed      what was told last, kept once for all watchers of one thing
topics    what can be watched: all models, one model, one rollout or A/B test
welcome   whether those who watch may still do so
watch     who watches what, and the one task that looks
stream    the answer that goes on
"""

from tfx_rollout.control.http.watching.stream import EventStream
from tfx_rollout.control.http.watching.watch import Watch
from tfx_rollout.control.http.watching.welcome import Welcome

__all__ = ["EventStream", "Watch", "Welcome"]
