#!/usr/bin/env python3
"""A text message when a visitor begins a chat: for the webhook "New conversation".

TARGET is the address of an SMS gateway that takes {"to", "text"}, SMS_TO the number. The other settings are in relay.py.
"""

import os

import relay

TARGET, TO = relay.target(), os.environ.get("SMS_TO", "")


def text(call):
    who = call["visitor"]["name"] or call["visitor"]["handle"]
    relay.post(TARGET, {"to": TO, "text": f"{who} on {call['visitor']['currentPage']}: {call['message']}"[:300]})


relay.serve(text)
