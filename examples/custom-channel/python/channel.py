#!/usr/bin/env python3
"""A message system for Parley's custom channel: a server for what operators write, and a console for what the contact writes.

Python 3.9 or newer, nothing else. Start it with the values from the channel's settings:

    python3 channel.py --inbound-url URL --inbound-token TOKEN --outbound-token TOKEN --email ann@example.com

Then type. Every line goes to the Message Center as a message of that contact; "/file https://…" sends a file by its address, and
"/quit" ends. What operators answer is printed. Give http://THIS-MACHINE:9000/ to the channel as its outbound URL.
"""

import argparse
import collections
import hmac
import json
import sys
import threading
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 1 << 20  # bytes of a call that are read
REMEMBERED = 10_000  # ids of messages that are known, so that a repeated call is not shown twice


class Seen:
    """The messages that were shown. Parley repeats a call when it did not get the answer; the message's id stays the same."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ids = collections.OrderedDict()

    def first(self, key):
        with self.lock:
            if key in self.ids:
                return False
            self.ids[key] = None
            if len(self.ids) > REMEMBERED:
                self.ids.popitem(last=False)
            return True


def show(message):
    """Prints a message of the other side."""
    name = message.get("display_name") or message.get("name") or "Operator"
    if message.get("is_deleted"):
        print(f"{name} took message {message['id']} back", flush=True)
        return
    if message.get("body"):
        print(f"{name}: {message['body']}", flush=True)
    if message.get("url"):
        print(f"{name} sent a file: {message['url']}", flush=True)


def receiver(token, seen):
    """Makes the class that answers Parley's calls."""

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            if length > LARGEST:
                self.close_connection = True  # the rest of the body is not read
                return self.answer(413)
            body = self.rfile.read(length)
            given = self.headers.get("API-SECURITY-TOKEN") or ""
            if not hmac.compare_digest(given.encode(), token.encode()):
                return self.answer(401 if not given else 403)
            try:
                message = json.loads(body)
                # An edited or deleted message (version 2) has the id of the first call; what happened tells them apart.
                key = (message["id"], bool(message.get("is_deleted")), message.get("body"))
            except (ValueError, KeyError, TypeError):
                return self.answer(400)
            if seen.first(key):
                show(message)
            self.answer(200)

        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass  # the console is for messages

    return Receiver


def send(options, message):
    """Posts one message of the contact. The id makes a repeat harmless, so it is tried again when the answer is lost."""
    message = {"id": str(uuid.uuid4()), "email": options.email, "name": options.name, **message}
    call = urllib.request.Request(
        options.inbound_url,
        data=json.dumps(message).encode(),
        headers={"Content-Type": "application/json", "API-SECURITY-TOKEN": options.inbound_token},
        method="POST",
    )
    for last in (False, False, True):
        try:
            with urllib.request.urlopen(call, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            print(f"refused with {refused.code}: {refused.read(2000).decode(errors='replace')}", file=sys.stderr, flush=True)
            return None
        except OSError as trouble:
            if last:
                print(f"not sent: {trouble}", file=sys.stderr, flush=True)
    return None


def console(options, lines):
    """Sends what is typed, until the end."""
    for line in lines:
        line = line.strip()
        if line == "/quit":
            return
        if line.startswith("/file "):
            send(options, {"url": line.removeprefix("/file ").strip()})
        elif line:
            send(options, {"body": line})


def main():
    parser = argparse.ArgumentParser(description="A message system for Parley's custom channel.")
    parser.add_argument("--inbound-url", required=True, help="the channel's inbound URL")
    parser.add_argument("--inbound-token", required=True, help="the channel's inbound auth token")
    parser.add_argument("--outbound-token", required=True, help="the channel's outbound auth token")
    parser.add_argument("--email", required=True, help="the contact's address; whoever sends it must have checked it")
    parser.add_argument("--name", default="", help="the contact's name")
    parser.add_argument("--listen", default="127.0.0.1:9000", help="where Parley's calls are taken (default %(default)s)")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), receiver(options.outbound_token, Seen()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"outbound URL: http://{host}:{server.server_address[1]}/", flush=True)
    try:
        console(options, sys.stdin)
    except KeyboardInterrupt:
        pass
    server.shutdown()


if __name__ == "__main__":
    main()
