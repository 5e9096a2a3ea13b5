"""What tests of witnesses share: a log's key in Python, the wire of C2SP tlog-witness, and witnesses that
do not do what they should."""

import base64
import hashlib
import http.client
import http.server
import threading
import time

from nacl.signing import SigningKey


def key_file(path):
    """(name, signing key) of a log's or witness's key file."""
    with open(path, encoding="ascii") as file:
        fields = dict(line.partition(" ")[::2] for line in file.read().splitlines()[1:])
    return fields["node"], SigningKey(base64.b64decode(fields["sign-seed"]))


def signed_note(path, size, root):
    """A checkpoint under a log's own key, whatever the log is."""
    origin, key = key_file(path)
    text = "%s\n%d\n%s\n" % (origin, size, base64.b64encode(root).decode())
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + bytes(key.verify_key)).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode()).signature).decode()
    return "%s\n— %s %s\n" % (text, origin, signature)


def submit(port, old, note, proof=()):
    """(status, content type, body) of one add-checkpoint."""
    body = "old %d\n%s\n%s" % (old, "".join(base64.b64encode(h).decode() + "\n" for h in proof), note)
    return post(port, body.encode())


def post(port, body, path="/add-checkpoint", method="POST"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Liars:
    """Witnesses that lie, each at its own path; `asked` counts requests by name."""

    def __init__(self, names):
        self.asked = {}
        liars = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                name = self.path.split("/")[1]
                liars.asked[name] = liars.asked.get(name, 0) + 1
                getattr(liars, name.replace("-", "_"))(self)

            def do_GET(self):
                name = self.path.split("/")[1]
                liars.asked[name + " evidence"] = liars.asked.get(name + " evidence", 0) + 1
                liars.plain(self, 200, "nothing\n")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.urls = {name: "http://127.0.0.1:%d/%s" % (self.port, name) for name in names}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def plain(handler, status, text, content_type="text/plain", **headers):
        data = text.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    # --- the ways ---

    def garbage(self, handler):
        self.plain(handler, 200, "<html>it works</html>\n")

    def empty(self, handler):
        self.plain(handler, 200, "")

    def wrong_signature(self, handler):
        self.plain(handler, 200, self.line)

    line = ""

    def make_line(self, vkey):
        """A line that looks like the witness's own and is signed by nobody."""
        name, key_id, _ = vkey.split("+", 2)
        blob = bytes.fromhex(key_id) + int(time.time()).to_bytes(8, "big") + bytes(64)
        self.line = "— %s %s\n" % (name, base64.b64encode(blob).decode())

    def huge(self, handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1 << 14):
                handler.wfile.write(b"x" * (1 << 16))
        except OSError:
            pass
        handler.close_connection = True

    def slow(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        try:
            for _ in range(100000):
                handler.wfile.write(b"x")
                time.sleep(0.2)
        except OSError:
            pass
        handler.close_connection = True

    def redirect(self, handler):
        self.plain(handler, 307, "", Location=self.urls["garbage"] + "/add-checkpoint")

    def ahead(self, handler):
        self.plain(handler, 409, "4000000000\n", "text/x.tlog.size")

    def sizeless(self, handler):
        self.plain(handler, 409, "go away\n")

    def refuted(self, handler):
        self.plain(handler, 422, "no\n")
