"""The end-to-end example: will the passenger of a Chicago taxi trip leave a big tip?

A TFX pipeline on real, time-stamped data that ends in the deployment stage of
`tfx_rollout`. `spans` cuts the data, `features` names it, `preprocessing` and
`trainer` are what Transform and Trainer run, `evaluation` says what the Evaluator
demands, `pipeline` wires the components and `run` runs them on this machine.

Nothing is imported here: `taxi.spans` and `taxi.features` must stay free of
TensorFlow, so that the data can be cut and replayed without it.
"""
