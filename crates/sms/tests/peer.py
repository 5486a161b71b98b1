"""An HTTP gateway for the tests: Python's http.server answers, the path says how it behaves.

Usage: peer.py [CERTIFICATE KEY]. Prints the port, then one JSON object for each request it received, with query and
form decoded by urllib and the body by json. Ends when its standard input closes.
"""

import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading
import urllib.parse

OUT = threading.Lock()
LISTED = {"/400", "/401", "/402", "/403", "/404", "/429", "/500", "/503", "/504"}


def say(line):
    with OUT:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def received(self):
        url = urllib.parse.urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = (self.headers.get("Content-Type") or "").split(";")[0]
        fields = {"keep_blank_values": True, "errors": "strict"}
        form = urllib.parse.parse_qsl(raw.decode("ascii"), strict_parsing=True, **fields) if "form" in kind else None
        document = json.loads(raw) if kind == "application/json" else None
        say(json.dumps({
            "method": self.command,
            "path": urllib.parse.unquote(url.path, errors="strict"),
            "query": urllib.parse.parse_qsl(url.query, strict_parsing=bool(url.query), **fields),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "form": form,
            "json": document,
            "raw": raw.decode("utf-8"),
            "port": self.client_address[1],
        }))
        return url.path

    def answer(self, status, body, headers=(), kind="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def until_closed(self):
        """Waits for the client to give up."""
        self.close_connection = True
        try:
            while self.connection.recv(1024):
                pass
        except OSError:
            pass

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def handle_one(self):
        path = self.received()
        good = {"status": "0", "id": "m-77"}
        if path in LISTED:
            echo = "refused: " + self.path
            headers = [("Retry-After", "7")] if path == "/429" else []
            self.answer(int(path[1:]), {"status": "e" + path[1:], "text": echo}, headers)
        elif path == "/error-body":
            self.answer(200, {"status": "9", "text": "no money for " + urllib.parse.unquote(self.path)})
        elif path == "/odd-body":
            self.answer(200, b"<html>sign in to the network</html>", kind="text/html")
        elif path == "/text":
            self.answer(202, b"0: Accepted for delivery", [("X-Message-Id", "h-5")], "text/plain")
        elif path == "/redirect":
            self.answer(307, b"", [("Location", "/stolen")])
        elif path == "/hang":
            self.until_closed()
        elif path == "/hang-in-body":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b'{"status":')
            self.until_closed()
        elif path == "/hang-in-refusal":
            self.send_response(403)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.until_closed()
        elif path == "/reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif path == "/close":
            self.close_connection = True
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b'{"status": "0"}')
            self.close_connection = True
        elif path == "/garbage":
            self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
            self.close_connection = True
        elif path == "/big":
            self.answer(200, good | {"pad": "x" * 200_000})
        elif path == "/big-refusal":
            self.answer(400, b"y" * 200_000)
        elif path == "/big-chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.chunk(b"z" * 8192)
            except OSError:
                self.close_connection = True
        elif path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for byte in json.dumps(good).encode():
                self.chunk(bytes([byte]))
            self.chunk(b"")
        else:
            self.answer(200, good)

    do_GET = do_POST = do_PUT = handle_one


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A broken connection is what many tests want."""

    def finish_request(self, request, client_address):
        if TLS is not None:
            try:
                request = TLS.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)
        if TLS is not None:
            request.close()


TLS = None
if len(sys.argv) == 3:
    TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    TLS.load_cert_chain(sys.argv[1], sys.argv[2])
server = Server(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
say(str(server.server_address[1]))
sys.stdin.read()
os._exit(0)
