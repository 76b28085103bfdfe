#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The status page of a running xfedd, in headless Chromium and by hand: with and without JavaScript, in light and dark, with 4 and with 3000 peers; with the
keyboard alone; its colours, labels and headers; that it goes on by itself and takes nobody's focus. Then those who want more than they may: texts of peers that
are HTML, forms of other sites, huge addresses, 40 clients at a time while stanzas pass.

usage: page.py [--xfedd BINARY] [--shots FOLDER] [--axe FILE]      --axe: axe.min.js of axe-core, which then judges the pages too.
Needs chromium and chromium-driver; without them the parts with a browser are left out.
"""
import os
import sys
import threading
import time
import urllib.parse

from lab import browser, net, options, web
from lab.browser import ENTER, TAB, Browser
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Closed

IP = net.GATEWAY
BASE = f'http://{IP}:{web.PORT}'
GOOD, WEAK, EVIL, RUDE, NEW = 'good.example', 'weak.example', 'evil.example', 'rude.example', 'new.example'
MARKUP = '<script>window.xss=1</script>"\'><img src=x onerror=window.xss=2>'
AUTHORITY = '"><svg onload=x>'
SECTIONS = f'peer "{WEAK}" {{ certificate = preferred  dialback = yes }}\n'
MANY, FAILING = 3000, 300
LATE_S = 1.0
TRIES = 3       # of what is measured: a machine stands still now and then, and what many clients do to xfedd they do each time
FORM = 'application/x-www-form-urlencoded'

POLICY = {"default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "connect-src": "'self'", "img-src": "'self'", "form-action": "'self'",
          "base-uri": "'none'", "frame-ancestors": "'none'"}


class Rude(Peer):
    """Ends each stream with words that are HTML."""
    def _features(self, stream, secure, authenticated):
        text = MARKUP.replace('&', '&amp;').replace('<', '&lt;')
        stream.send("<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                    f"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{text}</text></stream:error></stream:stream>")
        raise Closed('as it likes')


def message(to, ident):
    return f"<message from='alice@{LOCAL}/x' to='bob@{to}' id='{ident}' type='chat'><body>hi</body></message>"


def post(fields, host=None, **headers):
    body = urllib.parse.urlencode(fields)
    more = ''.join(f'{k.replace("_", "-")}: {v}\r\n' for k, v in headers.items())
    return web.send_raw(IP, f'POST /check HTTP/1.1\r\nHost: {host or f"{IP}:{web.PORT}"}\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n{more}\r\n{body}')


# ---------------------------------------------------------------- by hand

# what it is, method, path, headers, body, status
REQUESTS = (
    ('the page', 'GET', '/', '', '', 200),
    ('HEAD', 'HEAD', '/', '', '', 200),
    ('a query that makes no sense', 'GET', '/?show=%00&sort=x&page=-1&q=%zz&&=&', '', '', 200),
    ('a page behind the last one', 'GET', '/?page=20000', '', '', 200),
    ('a query of 8 KB', 'GET', '/?q=' + 'a' * 8000, '', '', 200),
    ('a peer', 'GET', f'/peer?name={GOOD}', '', '', 200),
    ('a peer that nobody knows', 'GET', '/peer?name=nobody.example', '', '', 200),
    ('no peer', 'GET', '/peer', '', '', 400),
    ('a peer that is no domain', 'GET', '/peer?name=%3Cscript%3E', '', '', 400),
    ('a peer with a NUL', 'GET', '/peer?name=a.example%00b', '', '', 400),
    ('a peer with a name of 8 KB', 'GET', '/peer?name=' + 'a.' * 4000, '', '', 400),
    ('another Host', 'GET', '/', 'Host: evil.example', '', 421),
    ('a link on another site', 'GET', '/', 'Sec-Fetch-Site: cross-site', '', 403),
    ('a script of another site', 'GET', '/', 'Origin: http://evil.example', '', 403),
    ('a form for a page without one', 'POST', '/', f'Content-Type: {FORM}\r\nContent-Length: 3', 'a=b', 405),
    ('DELETE', 'DELETE', '/check', '', '', 405),
    ('a form of another site', 'POST', '/check', f'Origin: http://evil.example\r\nContent-Type: {FORM}\r\nContent-Length: 3', 'a=b', 403),
    ('a form of a sandboxed frame', 'POST', '/check', f'Origin: null\r\nContent-Type: {FORM}\r\nContent-Length: 3', 'a=b', 403),
    ('a form after DNS rebinding', 'POST', '/check', f'Host: evil.example\r\nContent-Type: {FORM}\r\nContent-Length: 3', 'a=b', 421),
    ('a form as text', 'POST', '/check', 'Content-Type: text/plain\r\nContent-Length: 3', 'a=b', 415),
    ('a form of 2 KB', 'POST', '/check', f'Content-Type: {FORM}\r\nContent-Length: 2000', 'a' * 2000, 413),
    ('a form of a terabyte', 'POST', '/check', f'Content-Type: {FORM}\r\nContent-Length: 1000000000000', 'a=b', 413),
    ('a form in chunks', 'POST', '/check', f'Content-Type: {FORM}\r\nTransfer-Encoding: chunked', '3\r\na=b\r\n0\r\n\r\n', 411),
    ('a form without token', 'POST', '/check', f'Content-Type: {FORM}\r\nContent-Length: 17', 'peer=good.example', 403),
    ('an empty form', 'POST', '/check', f'Content-Type: {FORM}\r\nContent-Length: 0', '', 403),
)


def check_requests(report):
    for what, method, path, heads, body, status in REQUESTS:
        host = '' if 'Host:' in heads else f'Host: {IP}:{web.PORT}\r\n'
        heads = heads and heads + '\r\n'
        answer = web.send_raw(IP, f'{method} {path} HTTP/1.1\r\n{host}{heads}\r\n{body}')
        report.equal(f'{what}: {status}', answer.status, status)
        if status == 200:
            check_heads(report, what, answer)


def check_heads(report, what, answer):
    policy = dict(part.strip().split(' ', 1) for part in answer.headers.get('content-security-policy', '').split(';') if part.strip())
    if policy != POLICY or answer.headers.get('x-content-type-options') != 'nosniff' or answer.headers.get('referrer-policy') != 'same-origin':
        report.check(f'{what}: strict headers', False, str(answer.headers))


def check_texts(report):
    """What peers say is text."""
    for path in ('/', f'/peer?name={RUDE}', f'/peer?name={EVIL}'):
        text = web.ask(IP, path).text
        report.check(f'{path}: no markup of a peer', '<img' not in text and '<svg onload' not in text and text.count('<script') == 1 and 'onerror=window.xss=2>"' not in text)
    report.check('... which is shown as text', '&lt;script&gt;window.xss=1&lt;/script&gt;&quot;&#39;&gt;&lt;img' in web.ask(IP, f'/peer?name={RUDE}').text)
    report.check('... so is the name of an authority', '&quot;&gt;&lt;svg onload=x&gt;' in web.ask(IP, f'/peer?name={EVIL}').text)


class Slow:
    """Forms that come a byte now and then."""
    def __init__(self):
        self.took = []
        self.threads = [threading.Thread(target=self._send) for _ in range(5)]
        for t in self.threads:
            t.start()

    def _send(self):
        begun = time.monotonic()
        with web.dial(IP, '127.79.0.8') as sock:
            sock.settimeout(0.5)
            try:
                sock.sendall(f'POST /check HTTP/1.1\r\nHost: {IP}\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\n'.encode())
                while time.monotonic() < begun + 30:
                    sock.sendall(b'a')
                    try:
                        if sock.recv(100) == b'':
                            break
                    except TimeoutError:
                        pass
            except ConnectionError:
                pass
        self.took.append(time.monotonic() - begun)

    def check(self, report):
        for t in self.threads:
            t.join()
        report.check(f'slow forms ended within {max(self.took):.1f} s', max(self.took) < 14)


def check_leavers(report):
    """Clients that ask and go at once, while their page is being gathered."""
    for _ in range(10):
        for i in range(10):
            with web.dial(IP, '127.79.0.7') as sock:
                sock.sendall(f'GET {("/", f"/peer?name=left{i}.example")[i % 2]} HTTP/1.1\r\nHost: {IP}\r\n\r\n'.encode())
        time.sleep(0.05)
    report.equal('clients that leave at once', web.ask(IP, '/healthz').status, 200)


def check_token(report, gateway, ctl):
    """A check needs what only an operator can get."""
    report.equal('a form with a wrong token', post({'peer': GOOD, 'token': 'A' * 22}).status, 403)
    status, text, _ = ctl.run('page')
    report.check('xfedctl page names the page', status == 0 and f'{BASE}/' in text, text)
    token = ctl.ask('page')[1]['token']
    old = next(line.split()[1] for line in text.splitlines() if line.startswith('token'))
    report.equal('an older token is good for nothing', post({'peer': GOOD, 'token': old}).status, 403)
    report.equal('... and neither from another site', post({'peer': GOOD, 'token': token}, Origin='http://evil.example').status, 403)
    report.equal('with the token, but no domain', post({'peer': '<b>', 'token': token}).status, 400)
    answer = post({'peer': GOOD, 'token': token}, Origin=BASE)
    report.equal('a check begins', (answer.status, answer.headers.get('location')), (303, '/check'))
    report.equal('the next one must wait', post({'peer': GOOD, 'token': token}).status, 429)
    report.check('... and it can be reached', gateway.wait_until(lambda: '>reachable<' in web.ask(IP, '/check').text, 30))
    acts = gateway.wait_event('control.verb.done', 10, verb='check', via='page')
    report.equal('the log names the operator', [(e.get('peer'), e.get('uid')) for e in acts], [(GOOD, str(os.getuid()))])
    report.check('... and that somebody had no token', gateway.wait_event('control.token.refused', 10))
    return token


# ---------------------------------------------------------------- in a browser

# Contrast by WCAG 2.2 §1.4.3, of each text with the first colour behind it.
CONTRAST = '''
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const parse = s => (s.match(/[\\d.]+/g) || []).map(Number);
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
const bad = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.nodeValue.trim() || !e.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(walk.currentNode.nodeValue.trim().slice(0, 40) + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
}
return bad;'''

# What WCAG asks of the markup, as far as a page like this can miss it.
FORM_OF_PAGE = '''
const all = s => [...document.querySelectorAll(s)], bad = [];
const must = (what, is) => { if (!is) bad.push(what); };
must('language', document.documentElement.lang);
must('title', document.title);
for (const s of ['main', 'body > header', 'body > footer', 'h1']) must('one ' + s, all(s).length === 1);
for (const th of all('th')) must('scope: ' + th.textContent, th.scope);
for (const table of all('table')) must('heads of a table', table.querySelector('thead th[scope=col]'));
for (const i of all('input:not([type=hidden])')) must('label: ' + i.name, i.labels.length);
for (const e of all('[aria-labelledby], [aria-describedby]')) for (const id of (e.getAttribute('aria-labelledby') || e.getAttribute('aria-describedby')).split(' ')) must('id ' + id, document.getElementById(id));
for (const e of all('a, button, summary')) must('words: ' + e.outerHTML, e.textContent.trim());
for (const nav of all('nav')) must('name of a nav', nav.ariaLabel);
for (const svg of all('svg')) must('words for a drawing', svg.ariaHidden || svg.ariaLabel);
must('no tabindex above 0', !all('[tabindex]').some(e => e.tabIndex > 0));
must('levels of headings', all('h1, h2, h3').every((h, i, hs) => !i || h.tagName[1] - hs[i - 1].tagName[1] <= 1));
const ids = all('[id]').map(e => e.id); must('ids once', new Set(ids).size === ids.length);
must('no style or script within', !all('[style], style, script:not([src])').length && !all('*').some(e => [...e.attributes].some(a => a.name.startsWith('on'))));
must('as wide as the window', document.documentElement.scrollWidth <= innerWidth);
return bad;'''


def judge(report, page, what, axe):
    for scheme in ('light', 'dark'):
        page.colours(scheme)
        report.equal(f'{what}, {scheme}: contrast', page.run(CONTRAST), [])
    report.equal(f'{what}: landmarks, labels, headers', page.run(FORM_OF_PAGE), [])
    if axe:
        page.run(axe)
        found = page.await_('const r = await axe.run(); return r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).slice(0, 2).join(" "))')
        report.equal(f'{what}: axe-core', found, [])


def check_quiet(report, page, what):
    report.equal(f'{what}: nothing in the console', page.complaints(), [])
    others = [u for u in page.requests() if not u.startswith((f'{BASE}/', 'data:', 'about:', 'chrome:'))]
    report.equal(f'{what}: nobody else is asked', others, [])
    report.check(f'{what}: no script of a peer ran', page.run('return window.xss === undefined && !document.querySelector("img")'))


def check_pages(report, page, axe):
    for what, path in (('the federation', '/'), ('a peer', f'/peer?name={RUDE}'), ('checks', '/check')):
        page.open(BASE + path)
        page.run('document.querySelectorAll("details").forEach(d => d.open = true)')
        judge(report, page, what, axe)
        check_quiet(report, page, what)
    page.width(380)
    page.open(f'{BASE}/')
    report.equal('on a narrow screen', page.run(FORM_OF_PAGE), [])
    page.width(1280)


def check_without_script(report, page):
    page.javascript(False)
    page.open(f'{BASE}/?show=failed&sort=name')
    text = web.ask(IP, '/?show=failed&sort=name').text
    report.check('without JavaScript: the list is there', f'data-key="{RUDE}"' in text and f'data-key="{GOOD}"' not in text)
    report.check('... and no button that does nothing', '<button type="button"' not in text)
    page.javascript(True)


def check_live(report, page, cluster):
    """What happens is shown; what the reader does stays."""
    page.open(f'{BASE}/')
    page.run('const q = document.getElementById("q"); scrollTo(0, 300); q.focus({preventScroll: true}); window.first = document.querySelector("h1");')
    page.keys('a', 'b')
    before = page.run('return [scrollY, document.querySelector("h1").textContent]')
    cluster.send(message(NEW, 'new'))
    report.check('a peer fails: the page says so by itself', page.wait(f'document.querySelector(\'[data-key="{NEW}"] :is(.failing, .failed)\') && 1'))
    after = page.run('return [scrollY, document.activeElement.id, document.activeElement.value, window.first.isConnected]')
    report.equal('... scroll, focus and what was typed stay', after, [before[0], 'q', 'ab', True])
    report.check('... the sentence has changed', page.run('return document.querySelector("h1").textContent') != before[1], before[1])
    page.open(f'{BASE}/peer?name={NEW}')
    page.run('document.querySelector("details summary").focus()')
    page.keys(ENTER)
    words = page.run('return document.getElementById("live").textContent')
    report.check('the page of a peer goes on', page.wait(f'document.getElementById("live").textContent !== {words!r}'))
    report.equal('... and what was opened stays open', page.run('return [document.querySelector("details").open, document.activeElement.tagName]'), [True, 'SUMMARY'])
    check_quiet(report, page, 'while it goes on')


def check_keyboard(report, page):
    page.open(f'{BASE}/')
    page.keys(TAB)
    report.equal('the first stop leads to the content', page.run('return document.activeElement.className'), 'skip')
    stops, bad = set(), []
    for _ in range(60):
        stop = page.run('const e = document.activeElement, s = getComputedStyle(e); '
                        'return [[...document.querySelectorAll("*")].indexOf(e), s.outlineStyle !== "none", e.getBoundingClientRect().width > 0, e.outerHTML.slice(0, 80)]')
        if stop[3].startswith('<body') or stop[0] in stops:
            break
        stops.add(stop[0])
        if not (stop[1] and stop[2]):
            bad.append(stop)
        page.keys(TAB)
    report.equal(f'{len(stops)} stops, each to be seen', bad, [])
    want = page.run('return document.querySelectorAll("a, button, input:not([type=hidden]), summary, [tabindex]").length')
    report.equal('all of them can be reached', len(stops), want)
    page.run('document.getElementById("q").focus()')
    page.keys(*'rude', ENTER)
    report.check('a search by keyboard', page.wait('location.search.includes("q=rude") && document.querySelectorAll("tbody tr[data-key]").length === 1'))


def check_check(report, page, token):
    page.open(f'{BASE}/peer?name={WEAK}')
    page.run('document.getElementById("check-token").focus()')
    page.keys(*token, ENTER)
    report.check('a check through the form', page.wait('location.pathname === "/check" && document.querySelector("#results .reachable, #results .unreachable") && 1'),
                 page.run('return document.body.innerText')[:600])
    check_quiet(report, page, 'a check')


def shoot(page, folder, name):
    for scheme in ('light', 'dark'):
        page.colours(scheme)
        page.shoot(f'{folder}/page-{name}-{scheme}.png')
    page.colours('light')


# ---------------------------------------------------------------- many peers, many clients

def grow(report, gateway, cluster):
    gateway.configure(SECTIONS + ''.join(f'peer "p{i:04}.example" {{ stanza-rate = 100 }}\n' for i in range(MANY)))
    report.equal(f'{MANY} more peers', gateway.reload(30), 'done')
    for i in range(FAILING):
        cluster.send(message(f'p{i * 10:04}.example', f'many{i}'))
    sentence = f'{FAILING + 3} peers cannot be reached'
    report.check(f'{FAILING} of them fail', gateway.wait_until(lambda: sentence in web.ask(IP, '/').text, 60))


def check_size(report):
    for what, path in (('the first page', '/'), ('the last page', '/?sort=name&page=61'), ('a search', '/?q=p299')):
        for _ in range(TRIES):
            begun = time.monotonic()
            answer = web.ask(IP, path)
            took = time.monotonic() - begun
            if took < 2:
                break
        report.check(f'{MANY} peers, {what}: {len(answer.body) // 1024} KiB in {took * 1000:.0f} ms', answer.status == 200 and len(answer.body) < 256 << 10 and took < 2)


def turns():
    """-> how many turns of the loop took longer than a second, by the metrics. By the clock of the wall, on a machine that has other work."""
    counts = {}
    for line in web.ask(IP, '/metrics', source='127.79.0.9').text.splitlines():
        if line.startswith('xfedd_loop_turn_seconds_bucket'):
            bound = float(line.split('le="')[1].split('"')[0].replace('+Inf', 'inf'))
            counts[bound] = int(line.split()[-1])
    return counts[float('inf')] - max((n for b, n in counts.items() if b <= 1), default=0)


def check_storm(report, cluster, peer, seconds=3):
    for attempt in range(TRIES):
        late_before = turns()
        pages, n, worst = storm(cluster, peer, seconds, f's{attempt}-')
        late = turns() - late_before
        if worst < LATE_S and not late:
            break
    report.check(f'40 clients got {pages} pages in {seconds} s; of {n} stanzas the slowest took {worst * 1000:.0f} ms', pages > 40 and worst < LATE_S)
    report.equal('... and no turn of the loop took long', late, 0)


def storm(cluster, peer, seconds, prefix):
    """40 clients fetch as fast as they can, and stanzas pass. -> pages, stanzas, what the slowest of these took"""
    arrived, counts = {}, []
    peer.on_stanza = lambda _stream, element: arrived.setdefault(element.get('id'), time.monotonic())
    time.sleep(1.1)
    end = time.monotonic() + seconds

    def fetch(number):
        done = 0
        while time.monotonic() < end:
            path = ('/', f'/?page={number}', '/?sort=traffic', f'/peer?name=p{number * 10:04}.example')[number % 4]
            done += web.ask(IP, path, source=f'127.79.1.{number // 8}').status == 200
        counts.append(done)
    threads = [threading.Thread(target=fetch, args=(i,)) for i in range(40)]
    for t in threads:
        t.start()
    worst, n = 0.0, 0
    while time.monotonic() < end:
        n, begun = n + 1, time.monotonic()
        cluster.send(message(GOOD, f'{prefix}{n}'))
        while f'{prefix}{n}' not in arrived and time.monotonic() < begun + 10:
            time.sleep(0.002)
        worst = max(worst, arrived.get(f'{prefix}{n}', begun + 10) - begun)
        time.sleep(0.05)
    for t in threads:
        t.join()
    return sum(counts), n, worst


def build(stage, lab):
    authority, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), AUTHORITY)
    dns = Dns(lab.scratch)
    certs = {GOOD: authority.issue(GOOD), WEAK: theirs.issue(WEAK), EVIL: theirs.issue(EVIL), RUDE: authority.issue(RUDE)}
    peers = {}
    for i, (name, cert) in enumerate(certs.items()):
        dns.domain(name, f'127.78.0.{i + 1}')
        peers[name] = stage.start((Rude if name == RUDE else Peer)(name, f'127.78.0.{i + 1}', cert, authority.file))
    peers[WEAK].offer = 'dialback'
    stage.start(dns)
    cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
    gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', authority.issue(LOCAL, f'conference.{LOCAL}'), authority.file, COMPONENT,
                                        f'{net.LOCAL}:{COMPONENT_PORT}', extra=SECTIONS, control='http-page = yes', http=f'{IP}:{web.PORT}'))
    return cluster, gateway, peers


def arguments():
    parser = options.parser(__doc__)
    parser.add_argument('--shots', help='a folder for pictures of the page')
    parser.add_argument('--axe', help='axe.min.js of axe-core')
    return parser.parse_args()


def main():
    args = arguments()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        cluster, gateway, peers = build(stage, lab)
        ctl = Ctl(beside(args.xfedd), f'{gateway.folder}/control.sock')
        for name in (GOOD, WEAK, EVIL, RUDE):
            cluster.send(message(name, f'first-{name}'))
        slow = Slow()
        report.check('two peers are up, two fail', gateway.wait_until(lambda: '2 peers cannot be reached' in web.ask(IP, '/').text, 20)
                     and gateway.wait_until(lambda: all(ctl.peer(name).get('state') == 'up' for name in (GOOD, WEAK)), 20))
        check_requests(report)
        check_texts(report)
        report.check('who has no good certificate', f'name={WEAK}' in web.ask(IP, '/?show=no-certificate').text.split('id="required"')[1])
        token = check_token(report, gateway, ctl)
        check_leavers(report)
        page = None
        if browser.is_there():
            page = stage.start(Browser(lab))
            axe = args.axe and open(args.axe, encoding='utf-8').read()
            check_pages(report, page, axe)
            check_without_script(report, page)
            check_keyboard(report, page)
            check_check(report, page, token)
            if args.shots:
                page.open(f'{BASE}/')
                shoot(page, args.shots, '3')
                page.open(f'{BASE}/peer?name={RUDE}')
                page.run('document.querySelector("details").open = true')
                shoot(page, args.shots, 'peer')
                page.open(f'{BASE}/check')
                shoot(page, args.shots, 'check')
            check_live(report, page, cluster)
        else:
            report.say('left out: there is no chromium or chromedriver')
        grow(report, gateway, cluster)
        check_size(report)
        check_storm(report, cluster, peers[GOOD])
        if page:
            page.open(f'{BASE}/')
            judge(report, page, f'{MANY} peers', None)
            if args.shots:
                shoot(page, args.shots, '3000')
        slow.check(report)
        report.equal('no error in the log', [e.line for e in gateway.events() if e.level == 'error'], [])
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
