"""What comes to a host and stays there: packages, images, environments, releases, and what they say of themselves."""
