"""Settings: one module a program, each read from a YAML file and the environment by `reading`."""
