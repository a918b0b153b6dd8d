#!/usr/bin/env python3
"""A receiver for Parley's custom e-mail callback: takes the mails to your contacts and sends them on by your own mail server.

Python 3.9 or newer, nothing else. Its settings are variables of the environment:

    API_SECURITY_TOKEN   the token of the callback, as in the widget's settings; needed
    LISTEN               where Parley's calls are taken, 127.0.0.1:8000 without it
    SMTP_HOST            your mail server; without it mails are printed
    SMTP_PORT            25 without it
    SMTP_TLS             starttls, tls or none; starttls without it
    SMTP_USER, SMTP_PASSWORD   when the server wants to know who sends
    MAIL_FROM            the sender of the mails, needed with SMTP_HOST

Give http://THIS-MACHINE:8000/email to the widget as its callback URL and press Test: it shows "Connected".
"""

import collections
import hmac
import json
import os
import smtplib
import ssl
import sys
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 64 << 20  # bytes of a call that are read; a transcript of thousands of messages is some of them
REMEMBERED = 10_000  # calls that are known, so that a repeated one is not sent twice
PATIENCE = 12  # seconds for the mail server; Parley waits 15 for us


class Known:
    """The calls that came. Parley repeats a call when it did not get the answer, and its Webhook-Id stays the same.

    They are kept in memory. If mails must not be doubled by a restart of this program either, keep them in your database.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.states = collections.OrderedDict()

    def begin(self, key):
        """Returns what is known of a call: "" for nothing, then it is "sending" now, else "sending" or "sent"."""
        with self.lock:
            state = self.states.get(key, "")
            if not state:
                self.states[key] = "sending"
            return state

    def end(self, key, sent):
        with self.lock:
            if not sent:
                self.states.pop(key, None)
                return
            self.states[key] = "sent"
            if len(self.states) > REMEMBERED:
                self.states.popitem(last=False)


def letter(mail, sender, key):
    """Makes the mail as it goes to the mail server. Raises ValueError for what is no address or no subject."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = Address(addr_spec=mail["receiver"])
    message["Subject"] = mail["subject"]
    message["Date"] = formatdate()
    # The same over all repeats: a mail that went out twice in spite of all is shown once by most programs.
    message["Message-ID"] = f"<{key}@{Address(addr_spec=sender).domain}>"
    message["Auto-Submitted"] = "auto-generated"
    # Not every server takes more than seven bits, and a paragraph may be longer than a line of a mail.
    message.set_content(mail["text"], cte="quoted-printable")
    message.add_alternative(mail["html"], subtype="html", cte="quoted-printable")
    return message


def send(message, settings):
    """Hands the mail to the mail server."""
    host, port = settings["SMTP_HOST"], int(settings.get("SMTP_PORT") or 25)
    tls = settings.get("SMTP_TLS") or "starttls"
    if tls == "tls":
        server = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=PATIENCE)
    try:
        if tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.get("SMTP_USER"):
            server.login(settings["SMTP_USER"], settings.get("SMTP_PASSWORD") or "")
        server.send_message(message)
    finally:
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            pass  # the mail is the server's already, or it is lost for another reason


def show(mail):
    """Prints a mail, where there is no mail server."""
    print(f"{mail['email_type']} mail to {mail['receiver']}: {mail['subject']}\n{mail['text']}\n", flush=True)


def receiver(settings, known):
    """Makes the class that answers Parley's calls."""
    token = settings["API_SECURITY_TOKEN"].encode()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self):
            try:
                length = int(self.headers.get("Content-Length") or 0)
            except ValueError:
                length = -1
            if not 0 <= length <= LARGEST:
                self.close_connection = True  # the body is not read
                return self.answer(413 if length > 0 else 400, "The body is too large")
            body = self.rfile.read(length)
            # In constant time: how long it takes tells nothing of how much of a guess was right.
            if not hmac.compare_digest((self.headers.get("API-SECURITY-TOKEN") or "").encode(), token):
                return self.answer(403, "The header API-SECURITY-TOKEN is wrong")
            if self.path != "/email":
                return self.answer(404, "Calls go to /email")
            if not body:
                return self.answer(200, "Connected")
            self.take(body, self.headers.get("Webhook-Id") or "")

        def take(self, body, key):
            """Sends one mail, and not again when the call is a repeat."""
            try:
                mail = json.loads(body)
                mail = {name: mail[name] for name in ("html", "receiver", "subject", "text", "email_type")}
                if not key or not all(isinstance(value, str) for value in mail.values()):
                    raise ValueError("not a mail")
            except (ValueError, KeyError, TypeError):
                return self.answer(400, "This is not a mail of Parley")
            state = known.begin(key)
            if state == "sent":
                return self.answer(200, "E-mail sent")
            if state == "sending":
                return self.answer(503, "This mail is being sent")  # Parley asks again later
            status, text = self.forward(mail, key)
            known.end(key, status == 200)
            self.answer(status, text)

        def forward(self, mail, key):
            """Hands a mail on, and returns what to answer. Parley keeps a mail that is not answered with 2xx and tries again, for three days."""
            try:
                if settings.get("SMTP_HOST"):
                    send(letter(mail, settings["MAIL_FROM"], key), settings)
                else:
                    show(mail)
                return 200, "E-mail sent"
            except smtplib.SMTPRecipientsRefused as refused:
                print(f"{key}: the mail server refuses the address", file=sys.stderr, flush=True)
                # Nothing gets better by a repeat when the address is refused for good.
                forever = all(code >= 500 for code, _ in refused.recipients.values())
                return 200 if forever else 503, "The mail server refuses the address"
            except (smtplib.SMTPException, OSError, ValueError, IndexError) as trouble:
                print(f"{key}: not sent: {trouble}", file=sys.stderr, flush=True)
                return 502, "The mail could not be sent"

        def answer(self, status, text):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass  # a line for each call would hold addresses

    return Receiver


def main():
    settings = os.environ
    if not settings.get("API_SECURITY_TOKEN"):
        sys.exit("set API_SECURITY_TOKEN to the token of the callback")
    if settings.get("SMTP_HOST") and not settings.get("MAIL_FROM"):
        sys.exit("set MAIL_FROM to the address that your mails are from")
    host, _, port = (settings.get("LISTEN") or "127.0.0.1:8000").rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), receiver(settings, Known()))
    print(f"callback URL: http://{host}:{server.server_address[1]}/email", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
