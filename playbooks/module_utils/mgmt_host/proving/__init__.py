"""What a model has to prove before it gets traffic, and whether it still is the wanted one."""
