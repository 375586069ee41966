"""A scripted door for the HIT page: the real templates, scripts and headers, and a list of HITs in memory."""

import contextlib
import io
import json
import math
import struct
import threading
import time
import wave
from dataclasses import dataclass, field
from types import SimpleNamespace

from flask import Flask, Response, jsonify, render_template, render_template_string, request, send_file
from flask_wtf.csrf import CSRFProtect
from liquid import Environment
from PIL import Image
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from broker.web import shown, static
from broker.web.kindpage import templates

GUIDE = """
Look at the digit and choose what **most readers** would read.

## Hard cases

* A *seven* may have a bar: still 7.
* An open *four* can look like a 9. Look at the top: a nine closes.

| looks like | choose |
|---|---|
| a circle with a tail | 9 |
| two circles | 8 |
"""
# A requester's own page: the elements alone, under the same policy, with what they submit written into the page.
ELEMENTS = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Elements</title>
{% for name in ["tokens", "base", "frame", "forms", "parts", "crowd"] %}
<link rel="stylesheet" href="{{ static('css/' ~ name ~ '.css') }}">
{% endfor %}
</head><body><main class="shell"><h1>Elements</h1>{{ html|safe }}</main>
<script type="module" src="{{ static('js/elements/index.js') }}"></script></body></html>"""
# Somebody else's page: their own style, one script of ours, and no sheet.
ALONE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Alone</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/theirs.css">
<script type="module" src="{{ static('js/elements/index.js') }}"></script></head>
<body><main><h1>Alone</h1><p id="theirs">Their own words.</p>{{ html|safe }}</main></body></html>"""
HOME = """{% extends "base.html" %}{% block heading %}Home{% endblock %}"""
ONE = [str(digit) for digit in range(10)]
MOODS = [
    {"name": "Positive", "definition": "The writer would recommend it.", "examples": ["Great fun from start to end."]},
    {"name": "Negative", "definition": "The writer would warn a friend.", "examples": ["I want my two hours back."]},
    {"name": "Mixed", "definition": "Praise and blame are about even.", "examples": []},
    {"name": "No opinion", "definition": "", "examples": []},
]


def liquid(kind, **task_input):
    """The HTML of a HIT from the real Liquid template."""
    environment = Environment(autoescape=True)
    environment.add_filter("to_json", lambda value: json.dumps(value, ensure_ascii=False))
    source = (templates() / "kinds" / f"{kind}.html").read_text()
    return environment.from_string(source).render(task={"input": task_input})


def choice(value, *, media="text", many=False, question="How does the writer feel?", labels=MOODS):
    """A HIT of the kind choice."""
    named = [{"name": one, "definition": "", "examples": []} if isinstance(one, str) else one for one in labels]
    return liquid("choice", media=media, many=many, question=question, labels=named, value=value)


def digit(number, size=8):
    """A PNG of a few grey pixels that differ from number to number."""
    image = Image.new("L", (size, size))
    image.putdata([(x * number * 37 + y * (number + 3) * 11) % 256 for y in range(size) for x in range(size)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def tone(seconds=4, rate=8000):
    """A WAV of one tone that swells and fades."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        swell = [math.sin(at / 8) * math.sin(math.pi * at / rate) ** 2 for at in range(seconds * rate)]
        sound.writeframes(b"".join(struct.pack("<h", int(20_000 * one)) for one in swell))
    return file.getvalue()


@dataclass
class Door:
    """What the broker would do, by a script: HITs are handed out in order, answers are kept."""

    hits: list[str] = field(default_factory=list)
    lease: float = 600
    message: str = ""
    shortcuts: bool = True
    guide: str = GUIDE
    worker: str = "A2KX91"
    direction: str = "ltr"
    title: str = "Film reviews: how does the writer feel?"
    problem: tuple[int, str] | None = None
    hold: threading.Event | None = None
    handed: list[int] = field(default_factory=list)
    answers: dict[int, dict] = field(default_factory=dict)
    submissions: list[dict] = field(default_factory=list)
    claims: list[dict] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    extended: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    reports: list[tuple[str, str]] = field(default_factory=list)
    delay: float = 0
    waiting: int = 0
    same: dict[int, int] = field(default_factory=dict)
    reopens: bool = False

    def held(self):
        return [no for no in self.handed if no not in self.answers and no not in self.returned]

    def assignment(self, no):
        return {
            "id": f"T{no}",
            "hit": f"H{self.same.get(no, no)}",
            "html": self.hits[no],
            "input": {},
            "deadline": "",
            "seconds": self.lease,
            "reward": 20000,
        }

    def claim(self, have):
        for no in self.held():
            if f"T{no}" not in have:
                return self.assignment(no)
        if self.message or len(self.held()) >= 3 or len(self.handed) >= len(self.hits):
            return None
        self.handed.append(len(self.handed))
        return self.assignment(self.handed[-1])

    def give_back(self, no):
        if self.reopens:
            self.same[len(self.hits)] = self.same.get(no, no)
            self.hits.append(self.hits[no])
        self.returned.append(no)

    def reply(self, assignment):
        message = "" if assignment else self.message or "There is no HIT of this job left for you."
        return {
            "assignment": assignment,
            "message": message,
            "done": len(self.answers),
            "left": len(self.hits) - len(self.answers),
        }


def application(door):
    """The Flask application around a scripted door; `door.now` may be replaced between tests."""
    app = Flask("broker", template_folder=str(templates()), static_folder=None)
    app.config.update(SECRET_KEY="a secret of this test", TESTING=True)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    CSRFProtect(app)
    static.hang(app)
    shown.hang(app)
    app.register_blueprint(static.blueprint)
    app.context_processor(lambda: surroundings(door.now))
    app.before_request(lambda: trouble(door.now))
    pages(app, door)
    acts(app, door)
    return app


def surroundings(now):
    return {"me": SimpleNamespace(public_id=now.worker, name="Ada", roles=["worker"]), "dir": now.direction}


def trouble(now):
    if request.method != "POST" or request.path == "/work/leave":
        return None
    if now.hold:
        now.waiting += 1
        now.hold.wait(10)
    if now.delay:
        time.sleep(now.delay)  # the network of the measurement, not a wait of the test
    if now.problem is None:
        return None
    status, detail = now.problem
    answer = jsonify({"status": status, "title": "Refused", "detail": detail, "problems": []})
    answer.content_type = "application/problem+json"
    return answer, status


def pages(app, door):
    @app.get("/work/<job>")
    def hit(job):
        return page(door.now, door.now.claim([]), preview=False)

    @app.get("/work/<job>/preview")
    def preview(job):
        return page(door.now, {**door.now.assignment(0), "id": None}, preview=True)

    @app.get("/digit/<int:number>.png")
    def picture(number):
        return Response(digit(number, int(request.args.get("size", 8))), content_type="image/png")

    @app.get("/sound.wav")
    def sound():
        return send_file(io.BytesIO(tone()), "audio/wav", conditional=True)  # players seek by ranges

    @app.get("/alone")
    def alone():
        return render_template_string(ALONE, html=door.now.hits[0])

    @app.get("/theirs.css")
    def theirs():
        return Response("#theirs { color: rgb(1, 2, 3); margin: 33px 0 }", content_type="text/css")

    @app.get("/elements")
    def elements():
        return render_template_string(ELEMENTS, html=door.now.hits[0])

    @app.get("/work")
    def home():
        return render_template_string(HOME)


def acts(app, door):
    @app.post("/work/<job>/claim")
    def claim(job):
        door.now.claims.append(request.json)
        return door.now.reply(door.now.claim(request.json["have"]))

    @app.post("/work/<job>/submit")
    def submit(job):
        sent = request.json
        door.now.submissions.append(sent)
        no = int(sent["assignment"][1:])
        repeated = no in door.now.answers
        door.now.answers[no] = sent["answer"]
        given = door.now.claim(sent["have"]) if sent["claim"] else None
        return {"accepted": True, "repeated": repeated, "late": False, **door.now.reply(given)}

    @app.post("/work/return")
    def give_back():
        door.now.give_back(int(request.json["assignment"][1:]))
        return {}

    @app.post("/work/extend")
    def extend():
        door.now.extended.append(int(request.json["assignment"][1:]))
        return {"deadline": "", "seconds": door.now.lease}

    @app.post("/work/problem")
    def problem():
        door.now.reports.append((request.json["assignment"], request.json["text"]))
        return {}

    @app.post("/work/leave")
    def leave():
        door.now.left.append(request.form["assignments"])
        return Response(status=204)


def page(door, assignment, *, preview):
    job = {
        "id": "J7",
        "title": door.title,
        "requester": "Cinema Museum",
        "guide": door.guide,
        "reward": 20000,
        "lease_seconds": door.lease,
        "left": len(door.hits) - len(door.answers),
        "done": len(door.answers),
    }
    return render_template("worker/hit.html", job=job, assignment=assignment, preview=preview, shortcuts=door.shortcuts)


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *_):
        pass


def whole(app):
    """Answers are read at once: a page that is closed while one is on its way leaves no file open."""

    def read(environ, start_response):
        with contextlib.closing(ClosingIterator(app(environ, start_response))) as parts:
            return [b"".join(parts)]

    return read


@contextlib.contextmanager
def serving(app):
    """The application on a free port of this machine, in a thread."""
    server = make_server("127.0.0.1", 0, whole(app), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
