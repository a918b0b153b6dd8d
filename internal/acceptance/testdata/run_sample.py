"""Runs the reference's Flask sample as it is, with the test's mail server in the place of Gmail and on a free port.

    SMTP_PORT=2525 python3 run_sample.py sample.py
"""

import os
import runpy
import smtplib
import sys

from flask import Flask


class Gmail(smtplib.SMTP):
    def __init__(self, host, port, **more):
        assert (host, port) == ("smtp.gmail.com", 465), (host, port)
        super().__init__("127.0.0.1", int(os.environ["SMTP_PORT"]), **more)

    def login(self, user, password, **more):
        assert (user, password) == ("your-email-address@gmail.com", "*****"), user


smtplib.SMTP_SSL = Gmail
run = Flask.run
Flask.run = lambda app, port, debug: run(app, port=0)
runpy.run_path(sys.argv[1], run_name="__main__")
