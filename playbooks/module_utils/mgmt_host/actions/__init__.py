"""What each action does on a host, from its first step to its last, and the way back."""
