#!/usr/bin/env python3
"""A siren, a lamp or a bell goes off when a visitor begins a chat: for the webhook "New conversation".

TARGET is the address of a switch that takes {"on", "seconds"}, such as a network socket. The other settings are in relay.py.
"""

import relay

TARGET = relay.target()

relay.serve(lambda call: relay.post(TARGET, {"on": True, "seconds": 5, "reason": call["conversationUUID"]}))
