"""The TFX face: the deployment stage's components. Importing a name from here imports TFX."""
