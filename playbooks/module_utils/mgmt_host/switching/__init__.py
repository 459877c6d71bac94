"""What holds the stable port of a deployment, and where it leads requests to."""
