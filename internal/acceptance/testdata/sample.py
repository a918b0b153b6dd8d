from flask import Flask, request
import json
from flask_mail import Mail, Message

app = Flask(__name__)

# Example with Gmail server
app.config['MAIL_SERVER']='smtp.gmail.com'
app.config['MAIL_PORT'] = 465
app.config['MAIL_USERNAME'] = 'your-email-address@gmail.com'
app.config['MAIL_PASSWORD'] = '*****'
app.config['MAIL_USE_TLS'] = False
app.config['MAIL_USE_SSL'] = True
mail = Mail(app)

@app.route('/email', methods=['POST'])
def email_callback():
    if len(request.data) > 0:
        data = json.loads(request.data)
        email_contact = str(data["receiver"])
        email_subject = str(data["subject"])
        msg = Message(email_subject, sender = 'your-email-address@gmail.com', recipients = [email_contact])
        msg.body = data["text"]
        msg.html = data["html"]
        mail.send(msg)
        return "E-mail sent"
    else:
        return "Connected"

if __name__ == '__main__':
    app.run(port=8000, debug=True)
