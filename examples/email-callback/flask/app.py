"""A receiver for Parley's custom e-mail callback with Flask: the example of its reference, with a check of the token and of repeats.

It needs Flask and Flask-Mail (Debian: apt-get install python3-flask python3-flask-mail). Its settings are variables of the environment:

    API_SECURITY_TOKEN   the token of the callback, as in the widget's settings; needed
    MAIL_SERVER, MAIL_PORT, MAIL_USERNAME, MAIL_PASSWORD   your mail server, Gmail's without them
    MAIL_USE_SSL         0 for a server without TLS

    API_SECURITY_TOKEN=… MAIL_USERNAME=… MAIL_PASSWORD=… python3 app.py

Give http://THIS-MACHINE:8000/email to the widget as its callback URL and press Test: it shows "Connected". "python3 app.py" is for trying it out;
Flask's documentation tells how to run it for good.
"""

import hmac
import json
import os

from flask import Flask, abort, request
from flask_mail import Mail, Message

app = Flask(__name__)

# Example with Gmail server
app.config['MAIL_SERVER'] = os.environ.get('MAIL_SERVER', 'smtp.gmail.com')
app.config['MAIL_PORT'] = int(os.environ.get('MAIL_PORT', 465))
app.config['MAIL_USERNAME'] = os.environ.get('MAIL_USERNAME', 'your-email-address@gmail.com')
app.config['MAIL_PASSWORD'] = os.environ.get('MAIL_PASSWORD') or None
app.config['MAIL_USE_TLS'] = False
app.config['MAIL_USE_SSL'] = os.environ.get('MAIL_USE_SSL', '1') == '1'
if not app.config['MAIL_PASSWORD']:
    # A server that asks for no password, for instance your own on the same machine. Flask-Mail signs in when it has a name.
    sender, app.config['MAIL_USERNAME'] = app.config['MAIL_USERNAME'], None
else:
    sender = app.config['MAIL_USERNAME']

token = os.environ['API_SECURITY_TOKEN']
mail = Mail(app)
sent = {}  # the calls that were sent on, by their Webhook-Id; keep them in your database, and not without end


@app.route('/email', methods=['POST'])
def email_callback():
    given = request.headers.get('API-SECURITY-TOKEN', '')
    if not hmac.compare_digest(given.encode(), token.encode()):
        abort(403)
    if len(request.data) > 0:
        call = request.headers.get('Webhook-Id', '')
        if call and call in sent:
            return "E-mail sent"  # Parley did not get our answer and asks again
        data = json.loads(request.data)
        email_contact = str(data["receiver"])
        email_subject = str(data["subject"])
        msg = Message(email_subject, sender=sender, recipients=[email_contact])
        msg.body = data["text"]
        msg.html = data["html"]
        mail.send(msg)
        sent[call] = True
        return "E-mail sent"
    else:
        return "Connected"


if __name__ == '__main__':
    app.run(port=int(os.environ.get('PORT', 8000)))
