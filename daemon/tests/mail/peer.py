"""A mail server for the tests: aiosmtpd, which decodes what it takes with Python's own parser.

Prints its port, then a line of JSON for each mail it took and each command that began one. Ends when its input does.
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import os
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# Signing in without TLS, and handshakes that are broken off, are what is tested.
warnings.simplefilter("ignore")
logging.disable()

OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
OPTIONS.add_argument("--cert")
OPTIONS.add_argument("--key")
OPTIONS.add_argument("--password", help="that of the user otpost; signing in is required then")
OPTIONS.add_argument("--without", default="", help="AUTH mechanism that is not offered")
OPTIONS.add_argument("--utf8", action="store_true")
ARGS = OPTIONS.parse_args()


def say(**what):
    print(json.dumps(what), flush=True)


class Handler:
    """What a recipient or sender is called decides what is said."""

    async def handle_MAIL(self, server, session, envelope, address, options):
        say(event="mail", sender=address, tls=session.ssl is not None or ARGS.tls == "implicit")
        if address.startswith("refused@"):
            return "550 5.7.1 no mail from there"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 fine"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("grey@"):
            return "451 4.7.1 come again in a while"
        if address.startswith("unknown@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy@"):
            return "421 4.3.2 shutting down"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content
        if envelope.rcpt_tos[0].startswith("spam@"):
            echo = text.decode().replace("\r\n", " ")[-300:]
            return f"554 5.7.1 looks bad: {echo}"
        if envelope.rcpt_tos[0].startswith("full@"):
            return "452 4.2.2 mailbox full"
        mail = email.message_from_bytes(text, policy=email.policy.default)
        say(
            event="taken",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            options=envelope.mail_options,
            hello=session.host_name,
            login=session.auth_data.login.decode() if session.auth_data else None,
            ascii=text.isascii(),
            longest=max(len(line) for line in text.split(b"\r\n")),
            headers={name: str(value) for name, value in mail.items()},
            body=mail.get_content(),
        )
        return "250 2.0.0 queued as 4711ABC"


def authenticate(server, session, envelope, mechanism, data):
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False)
    good = data.login == b"otpost" and data.password.decode() == ARGS.password
    # Not handled: the server then says 535 itself.
    return AuthResult(success=good, handled=False, auth_data=data)


async def main():
    context = None
    if ARGS.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ARGS.cert, ARGS.key)

    def session():
        return SMTP(
            Handler(),
            hostname="peer.example",
            enable_SMTPUTF8=ARGS.utf8,
            tls_context=context if ARGS.tls == "starttls" else None,
            require_starttls=ARGS.tls == "starttls",
            authenticator=authenticate if ARGS.password else None,
            auth_required=bool(ARGS.password),
            auth_require_tls=False,
            auth_exclude_mechanism=[ARGS.without] if ARGS.without else None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        session, "127.0.0.1", 0, ssl=context if ARGS.tls == "implicit" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    # Connections that hang must not keep it alive.
    sys.stdout.flush()
    os._exit(0)


asyncio.run(main())
