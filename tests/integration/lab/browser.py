# SPDX-License-Identifier: MIT
"""Headless Chromium, driven over WebDriver: what its user sees and does, what it asked for, what it complained about.

Spoken here is the protocol itself (W3C WebDriver, and Chromium's own commands behind goog/cdp), so nothing but chromium and chromium-driver is needed.
"""
import base64
import json
import os
import shutil
import urllib.error
import urllib.request

from .proc import Failed, Proc, until, wait_port

PORT = 9515
TAB, ENTER, SPACE = '\ue004', '\ue007', ' '
FLAGS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-default-browser-check',
         '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions', '--disable-default-apps',
         '--password-store=basic', '--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider,Translate')


def is_there():
    return bool(shutil.which('chromium') and shutil.which('chromedriver'))


class Browser:
    def __init__(self, lab):
        self.folder = lab.folder('browser')
        self.proc = Proc('chromedriver', ['chromedriver', f'--port={PORT}'], f'{lab.scratch}/log/chromedriver.log', env={'HOME': self.folder})
        self.session = None

    def start(self):
        self.proc.start()
        wait_port('127.0.0.1', PORT, self.proc, 20)
        options = {'binary': shutil.which('chromium'), 'args': [*FLAGS, f'--user-data-dir={self.folder}/profile', '--window-size=1280,900']}
        answer = self._ask('POST', '/session', {'capabilities': {'alwaysMatch': {
            'browserName': 'chrome', 'goog:chromeOptions': options, 'goog:loggingPrefs': {'browser': 'ALL', 'performance': 'ALL'}}}})
        self.session = f'/session/{answer["sessionId"]}'
        return self

    def stop(self):
        if self.session:
            try:
                self._ask('DELETE', self.session)
            except (Failed, OSError):
                pass
        self.proc.stop()

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f'http://127.0.0.1:{PORT}{path}', data, {'Content-Type': 'application/json'}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as e:
            raise Failed(f'{method} {path}: {json.load(e)["value"]["message"][:500]}') from None

    # ---- the page

    def open(self, url):
        self._ask('POST', f'{self.session}/url', {'url': url})

    def run(self, script, *args):
        """The body of a function of JavaScript. -> what it returns"""
        return self._ask('POST', f'{self.session}/execute/sync', {'script': script, 'args': list(args)})

    def await_(self, script, *args):
        """The same of an asynchronous one."""
        return self._ask('POST', f'{self.session}/execute/async', {
            'script': f'const done = arguments[arguments.length - 1]; (async (...args) => {{ {script} }})(...arguments).then(done, e => done(String(e)));',
            'args': list(args)})

    def wait(self, script, seconds=15):
        """Until the expression is true. -> it"""
        return until(lambda: self.run(f'return {script}'), seconds)

    def keys(self, *keys):
        """Typed on the keyboard, wherever the focus is."""
        actions = [{'type': kind, 'value': key} for key in keys for kind in ('keyDown', 'keyUp')]
        self._ask('POST', f'{self.session}/actions', {'actions': [{'type': 'key', 'id': 'keyboard', 'actions': actions}]})

    def cdp(self, command, **params):
        return self._ask('POST', f'{self.session}/goog/cdp/execute', {'cmd': command, 'params': params})

    # ---- how it looks

    def colours(self, scheme):
        """'light' or 'dark'"""
        self.cdp('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def javascript(self, is_on):
        self.cdp('Emulation.setScriptExecutionDisabled', value=not is_on)

    def width(self, pixels):
        self.cdp('Emulation.setDeviceMetricsOverride', width=pixels, height=900, deviceScaleFactor=1, mobile=False)

    def shoot(self, file):
        """The whole page, as PNG."""
        os.makedirs(os.path.dirname(file), exist_ok=True)
        data = self.cdp('Page.captureScreenshot', format='png', captureBeyondViewport=True, clip=self._whole())
        with open(file, 'wb') as f:
            f.write(base64.b64decode(data['data']))

    def _whole(self):
        size = self.cdp('Page.getLayoutMetrics')['cssContentSize']
        return {'x': 0, 'y': 0, 'width': size['width'], 'height': min(size['height'], 4000), 'scale': 1}

    # ---- what it said

    def complaints(self):
        """Lines of the console since the last call, without those of the browser's own pages."""
        lines = [f"{e['level']}: {e['message']}" for e in self._ask('POST', f'{self.session}/se/log', {'type': 'browser'})]
        return [line for line in lines if 'chrome://' not in line]

    def requests(self):
        """Addresses that pages asked for since the last call."""
        found = []
        for entry in self._ask('POST', f'{self.session}/se/log', {'type': 'performance'}):
            message = json.loads(entry['message'])['message']
            if message['method'] == 'Network.requestWillBeSent':
                found.append(message['params']['request']['url'])
        return found
