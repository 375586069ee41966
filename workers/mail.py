"""Mail by SMTP, encrypted where the server can."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from workers.safe_http import Refused

SECONDS = 20.0
PORTS = {"smtp": 25, "smtps": 465}


def send(server: str, sender: str, to: str, subject: str, text: str) -> None:
    """Send a plain text by smtp://user:password@host:port or smtps://…; STARTTLS where it is offered. Raises Refused.

    A password is never sent in the clear.
    """
    parts = urlsplit(server)
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message.set_content(text)
        with _connection(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]) as smtp:
            smtp.ehlo()
            if parts.scheme == "smtp" and smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            elif parts.scheme == "smtp" and parts.username:
                raise Refused("the mail server offers no encryption, so no password is sent to it")
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(message)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise Refused(f"mail: {error}") from None


def _connection(scheme: str, host: str, port: int) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=SECONDS)
