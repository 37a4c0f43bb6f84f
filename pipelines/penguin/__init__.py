"""The example without TFX: which species is this penguin?

A pipeline of plain Kubeflow components: `data` chooses the penguins, `train` trains a model
with plain Keras, and the components of `tfx_rollout.kfp` take it to live traffic.
`pipeline` wires them and writes the compiled file.

Nothing is imported here: `penguin.data` must stay free of TensorFlow until it writes examples.
"""
