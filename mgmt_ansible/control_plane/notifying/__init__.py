"""Notifying: the feed is followed, what policies say is put down as deliveries, and these are sent.

Files: `dispatching` (feed to deliveries, in one transaction with the cursor), `delivering` (deliveries to channels, each channel by
itself), `couriers` (a process that sends, and can be killed), `courier` (what runs in it), `guard` (what that process may not do),
`webhooks` and `apprise_channels` (how a message looks), `addresses` (which addresses a channel may have), `secret_box`.
"""
