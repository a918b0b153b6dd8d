"""What the five relays of this folder share: it takes Parley's calls and makes calls of its own.

Python 3.9 or newer, nothing else. A relay's settings are variables of the environment:

    LISTEN           where Parley's calls are taken, 127.0.0.1:8000 without it
    WEBHOOK_SECRET   the secret that the webhook was made with (whsec_…), or those of several with blanks between them; without it,
                     signatures are not checked
    TARGET           where the relay's own calls go; needed

A call is answered with 204 when the relay's own call was answered with 2xx, else with 502: then Parley tries again, and nothing is lost
while the other side is away. A repeated call has the same webhook-id; one that was passed on is not passed on again.
"""

import base64
import collections
import hashlib
import hmac
import http.client
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 16 << 20  # bytes of a call that are read
REMEMBERED = 10_000  # calls that are known, so that a repeated one is not passed on twice
TOLERANCE = 300  # seconds that a signature is good for
PATIENCE = 10  # seconds for the other side; Parley waits 15 for us


def target():
    """The address of the environment; a program without it says so and ends."""
    if not os.environ.get("TARGET"):
        sys.exit("set TARGET to the address that the relay shall call")
    return os.environ["TARGET"].rstrip("/")


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would fetch the other address, and what was to be sent would be lost."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(Stay)


def post(url, fields, **headers):
    """Sends fields as JSON; raises an error unless the answer is 2xx."""
    body = json.dumps(fields).encode()
    call = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    with opener.open(call, timeout=PATIENCE):
        pass


def genuine(keys, headers, body):
    """Tells whether the body was signed with one of the keys, lately."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    good = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in good for other in given)


def serve(act):
    """Takes calls until it is stopped. act gets the payload of each; when it raises an error, Parley calls again."""
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in os.environ.get("WEBHOOK_SECRET", "").split()]
    done, lock = collections.OrderedDict(), threading.Lock()

    class Call(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self):
            size = self.headers.get("Content-Length", "")
            if not size.isdigit() or int(size) > LARGEST:
                return self.answer(413)
            body, key = self.rfile.read(int(size)), self.headers.get("webhook-id", "")
            if keys and not genuine(keys, self.headers, body):
                return self.answer(401)
            with lock:
                if key in done:
                    return self.answer(204)
            try:
                act(json.loads(body))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                print("no payload that this relay knows:", error, file=sys.stderr)
                return self.answer(400)
            except (OSError, http.client.HTTPException) as error:  # urllib's errors are of the first kind
                print("the call could not be passed on:", error, file=sys.stderr)
                return self.answer(502)
            with lock:
                if key:
                    done[key] = True
                if len(done) > REMEMBERED:
                    done.popitem(last=False)
            self.answer(204)

        def answer(self, status):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    host, _, port = os.environ.get("LISTEN", "127.0.0.1:8000").rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Call)
    print(f"listening on http://{host}:{server.server_port}", flush=True)
    server.serve_forever()
