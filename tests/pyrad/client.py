"""A RADIUS client by pyrad, for the tests.

Usage: client.py ADDRESS PORT. Reads the shared secret from its first line of input, then one JSON object for each request:

    {"attributes": {"NAME": VALUE or [VALUES]}, "password": "by PAP", "chap": "by CHAP"}

and prints one for each reply: {"code": NUMBER, "attributes": {"NAME": [VALUES]}, "first": TYPE}, where "first" is the type of the
reply's first attribute and octets are hex, or {"silence": true}. Response Authenticators are checked by pyrad; a reply whose
Message-Authenticator is missing or wrong counts as none, which pyrad 2.1 leaves to its users.
"""

import hashlib
import hmac
import io
import json
import sys

from pyrad import client, dictionary, packet

DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE CHAP-Password 3 octets
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Filter-Id 11 string
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE State 24 octets
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE CHAP-Challenge 60 octets
ATTRIBUTE Prompt 76 integer
ATTRIBUTE Message-Authenticator 80 octets
VENDOR Cisco 9
BEGIN-VENDOR Cisco
ATTRIBUTE Cisco-AVPair 1 string
END-VENDOR Cisco
"""
MESSAGE_AUTHENTICATOR = 80


def signature(raw, authenticator, secret):
    """Message-Authenticator of a packet (RFC 3579 section 3.2) and the one it carries, or None."""
    carried, at, body = None, 20, bytearray(raw)
    body[4:20] = authenticator
    while at < len(raw):
        if raw[at] == MESSAGE_AUTHENTICATOR:
            carried = raw[at + 2:at + raw[at + 1]]
            body[at + 2:at + 18] = bytes(16)
        at += raw[at + 1]
    return hmac.new(secret, bytes(body), "md5").digest(), carried


class Request(packet.AuthPacket):
    """Signed, and particular about how the reply is."""

    def sign(self):
        self["Message-Authenticator"] = bytes(16)
        own, _ = signature(self.RequestPacket(), self.authenticator, self.secret)
        self["Message-Authenticator"] = own

    def VerifyReply(self, reply, rawreply=None):
        self.first = rawreply[20] if len(rawreply) > 20 else None
        own, carried = signature(rawreply, self.authenticator, self.secret)
        return packet.AuthPacket.VerifyReply(self, reply, rawreply) and carried == own


def shown(value):
    return value.hex() if isinstance(value, bytes) else value


def ask(peer, wanted):
    request = Request(secret=peer.secret, dict=peer.dict, authenticator=packet.Packet.CreateAuthenticator())
    for name, values in wanted["attributes"].items():
        for value in values if isinstance(values, list) else [values]:
            kind = peer.dict.attributes[name].type
            request.AddAttribute(name, bytes.fromhex(value) if kind == "octets" else value)
    if "password" in wanted:
        request["User-Password"] = request.PwCrypt(wanted["password"])
    if "chap" in wanted:
        # The challenge is the Request Authenticator where there is none of its own (RFC 2865 section 2.2).
        challenge = request["CHAP-Challenge"][0] if "CHAP-Challenge" in request else request.authenticator
        proof = hashlib.md5(b"\x07" + wanted["chap"].encode() + challenge).digest()
        request["CHAP-Password"] = b"\x07" + proof
    request.sign()
    try:
        reply = peer.SendPacket(request)
    except client.Timeout:
        return {"silence": True}
    # Names that the dictionary has not stay numbers.
    named = [name for name in reply.keys() if isinstance(name, str)]
    attributes = {name: [shown(value) for value in reply[name]] for name in named}
    return {"code": reply.code, "attributes": attributes, "first": request.first}


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    secret = sys.stdin.readline().rstrip("\n").encode()
    peer = client.Client(address, authport=port, secret=secret, dict=dictionary.Dictionary(io.StringIO(DICTIONARY)))
    for line in sys.stdin:
        print(json.dumps(ask(peer, json.loads(line))), flush=True)


main()
