#!/usr/bin/env python3
"""The management gets a text as soon as a visitor says what they think: for the webhook "Visitor left feedback".

TARGET is the address of an SMS gateway that takes {"to", "text"}, SMS_TO the number. The other settings are in relay.py.
"""

import os

import relay

TARGET, TO = relay.target(), os.environ.get("SMS_TO", "")


def tell(call):
    who = call["visitor"]["name"] or call["visitor"]["handle"]
    if call["message"]:  # a rating without words says nothing here; it is in the transcript
        relay.post(TARGET, {"to": TO, "text": f"Feedback of {who}: {call['message']}"[:300]})


relay.serve(tell)
