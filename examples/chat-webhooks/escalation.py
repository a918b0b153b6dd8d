#!/usr/bin/env python3
"""Nobody answers: first the team is told, then its lead, then everybody. For the webhook "Visitor did not get an answer in time".

TARGET is the address that takes {"level", "text"}, LEVELS who is told in turn (team,lead,everybody without it): each alarm of the same
chat goes one level higher. The other settings are in relay.py.
"""

import collections
import os

import relay

TARGET = relay.target()
LEVELS = os.environ.get("LEVELS", "team,lead,everybody").split(",")
alarms = collections.Counter()


def escalate(call):
    chat = call["conversationUUID"]
    level = LEVELS[min(alarms[chat], len(LEVELS) - 1)]
    relay.post(TARGET, {"level": level, "text": f"Waiting in {call['channelId']}: {call['message']}"})
    alarms[chat] += 1


relay.serve(escalate)
