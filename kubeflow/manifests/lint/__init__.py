"""Says what is wrong with manifests before a cluster does: `python -m manifests.lint FOLDER …`.

For our own, and for the overlays that users make of them. `kustomize` renders a folder,
`schema` holds each document against Kubernetes' own schema, and the rules (`wiring`, `pods`,
`commands`, `access`) against each other, against the flags of the programs that are started
and against the images that are built here.
"""
