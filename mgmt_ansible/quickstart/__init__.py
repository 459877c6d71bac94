"""One machine as a first host: a private sshd, two demo models, `up` and `demo`."""
