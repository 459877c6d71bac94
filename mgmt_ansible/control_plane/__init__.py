"""The control plane: registry, actions, deployment events and pages; it never opens SSH and never learns a key."""
