"""A model server that keeps TensorFlow Serving's contract on TensorFlow's own runtime.

Started by its command line only, `python -m tfx_rollout.model_server --flag=value …`,
with the flags of `tensorflow_model_server`, so that the real binary can take its
place. It stands alone: nothing of tfx_rollout imports it, and it imports nothing else of
tfx_rollout.

How a request goes, outside in:

    grpc_face / rest_face    bytes, paths and JSON of the two faces, codes and texts of errors
    predictor                checks of TensorFlow Serving's Predict; picks the thread to run in
    core                     ModelSpec (name, version, label) to a servable; configuration
    manager                  versions and their states, loads and unloads (policy: transition)
    servable                 one loaded version: signatures and callables
    saved_model              a SavedModel folder to a servable: restore op, init op, assets
    runtime                  the Session: `light` (no `import tensorflow`) or `full`

What it does not do yet: classify, regress and multi-inference (they answer
UNIMPLEMENTED), warm-up records, batching, metrics, health service, TLS, request
logging, TFLite. `flags.NOT_IN_EFFECT` lists the flags that are accepted without effect.
"""
