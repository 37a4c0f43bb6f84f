"""TFX pipelines on open-source Kubeflow: compiled so that it takes them, and run there by an entrypoint of ours."""
