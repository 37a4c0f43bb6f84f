"""Views on a terminal that change as what they show does.

snapshot         what is shown, read from a `Control`
charts           bars and sparklines
sections         parts of a view, and which of them to leave out where the terminal is low
rollout_view     a rollout: snapshot in, renderable out; pure
experiment_view  an A/B test, the same way
screen           the loop: reads, draws, ends cleanly
"""
