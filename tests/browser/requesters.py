"""A requester's own site on another host of this machine: a task whose form ends at externalSubmit."""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PAGE = """<!doctype html><html lang="en"><title>Tone</title><h1>Tone of a message</h1>
<form method="post" action="{submit}/mturk/externalSubmit">
<input type="hidden" name="assignmentId" value="{assignment}">
<p>“Never again.” <label>Tone <select name="tone"><option>calm</option><option>angry</option></select></label></p>
<button>Send it</button></form></html>"""


class Site:
    """Serves the task to anybody, and notes every request: the path and its parameters."""

    def __init__(self):
        self.seen = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                given = dict(parse_qsl(parts.query))
                site.seen.append((parts.path, given))
                self.answer(site.page(given))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                site.seen.append((self.path, dict(parse_qsl(body.decode(errors="replace")))))
                self.answer("")

            do_OPTIONS = do_GET  # noqa: N815 - http.server's own names
            do_HEAD = do_GET  # noqa: N815

            def answer(self, text):
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def page(self, given):
        """The task, with what the broker's address said."""
        shown = {"submit": given.get("turkSubmitTo", ""), "assignment": given.get("assignmentId", "")}
        return PAGE.format(**{name: html.escape(value) for name, value in shown.items()})

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
