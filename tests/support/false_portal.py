#!/usr/bin/env python3
"""A portal that changes one byte of one page: 'false_portal.py CONFIG', in vedomo-portal's place. The real one
(in $VEDOMO_BUILD) runs behind it, and what it shows is passed on but for that byte of tile/0/001."""

import ctypes
import http.client
import http.server
import os
import re
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))

from processes import free_ports  # noqa: E402

FALSE_PAGE = "/log/tile/0/001"
PR_SET_PDEATHSIG = 1


def start_real(config):
    """(its process, its port, the port that the configuration gave)"""
    with open(config, encoding="utf-8") as file:
        text = file.read()
    wanted = int(re.search(r"^listen: 127\.0\.0\.1:(\d+)$", text, re.MULTILINE).group(1))
    port = free_ports(1)[0]
    behind = config + ".behind"
    with open(behind, "w", encoding="utf-8") as file:
        file.write(text.replace("listen: 127.0.0.1:%d" % wanted, "listen: 127.0.0.1:%d" % port, 1))
    with_us = lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # noqa: E731
    program = os.path.join(os.environ["VEDOMO_BUILD"], "src", "vedomo-portal")
    return subprocess.Popen([program, behind], preexec_fn=with_us), port, wanted


REAL, PORT, WANTED = start_real(sys.argv[1])


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
            connection.close()
        except OSError:
            status, body = 503, b""
        if self.path == FALSE_PAGE and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def stop(_number, _frame):
    REAL.terminate()
    os._exit(REAL.wait())


signal.signal(signal.SIGTERM, stop)
http.server.ThreadingHTTPServer(("127.0.0.1", WANTED), Page).serve_forever()
