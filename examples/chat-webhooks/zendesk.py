#!/usr/bin/env python3
"""Transcripts and offline messages become tickets: for the webhooks "Transcript" and "Offline message".

TARGET is your Zendesk (https://yourcompany.zendesk.com), ZENDESK_AUTH "you@yourcompany.com/token:…". The other settings are in relay.py.
"""

import base64
import os

import relay

TARGET = relay.target()
AUTH = "Basic " + base64.b64encode(os.environ.get("ZENDESK_AUTH", "").encode()).decode()


def ticket(call):
    visitor = call["visitor"]
    email = call.get("email") or visitor["email"]
    name = call.get("name") or visitor["name"] or visitor["handle"]
    fields = {"subject": f"Chat with {name}", "requester": {"name": name, **({"email": email} if email else {})}, "tags": call.get("extraData", [])}
    fields["comment"] = {"html_body": call["htmlBody"]} if "htmlBody" in call else {"body": call["message"]}
    if "conversationUUID" in call:
        fields["external_id"] = call["conversationUUID"]
    relay.post(TARGET + "/api/v2/tickets.json", {"ticket": fields}, Authorization=AUTH)


relay.serve(ticket)
