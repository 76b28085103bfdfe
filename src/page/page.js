/* SPDX-License-Identifier: MIT */
/*
 * page.js: keeps the page up to date. It fetches the page that is shown again and takes over what has changed, element by element: focus, scroll
 * position, open details and what was typed stay. Without this script the page shows what was true when it was loaded.
 */
(() => {
    'use strict';
    const EVERY_MS = 5000, BUSY_MS = 1500, PATIENCE_MS = 10000;
    const live = document.getElementById('live');
    const words = document.createElement('span'), pause = document.createElement('button');
    let timer = 0, isPaused = false;

    /* ---- taking over */

    function keyOf(node) {
        return node.nodeType === 1 ? node.getAttribute('data-key') : null;
    }

    function isAlike(a, b) {
        return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
    }

    /* What the reader has opened or typed is the reader's. */
    function takeAttributes(old, fresh) {
        for (const {name, value} of fresh.attributes)
            if (old.getAttribute(name) !== value && !(name === 'value' && old.nodeName === 'INPUT'))
                old.setAttribute(name, value);
        for (const {name} of [...old.attributes])
            if (!fresh.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS'))
                old.removeAttribute(name);
    }

    function take(old, fresh) {
        if (old.nodeType !== 1) {
            if (old.nodeValue !== fresh.nodeValue)
                old.nodeValue = fresh.nodeValue;
            return;
        }
        takeAttributes(old, fresh);
        takeChildren(old, fresh);
    }

    function takeChildren(old, fresh) {
        const byKey = new Map();
        for (const child of old.childNodes)
            if (keyOf(child))
                byKey.set(keyOf(child), child);
        let at = old.firstChild;
        for (const child of [...fresh.childNodes]) {
            const known = keyOf(child) ? byKey.get(keyOf(child)) : at;
            if (known && isAlike(known, child)) {
                if (known !== at)
                    old.insertBefore(known, at);
                else
                    at = at.nextSibling;
                take(known, child);
            } else {
                old.insertBefore(document.importNode(child, true), at);
            }
        }
        while (at) {
            const next = at.nextSibling;
            at.remove();
            at = next;
        }
    }

    /* An element that was moved has lost the focus. */
    function takePage(fresh) {
        const focused = document.activeElement;
        document.body.toggleAttribute('data-busy', fresh.body.hasAttribute('data-busy'));
        document.title = fresh.title;
        for (const part of ['main', 'footer'])
            take(document.querySelector(part), fresh.querySelector(part));
        if (focused !== document.activeElement && focused.isConnected)
            focused.focus({preventScroll: true});
    }

    /* ---- when */

    function say(text, isStale) {
        words.textContent = text;
        words.className = isStale ? 'stale' : '';
    }

    function isBusy() {
        return document.body.hasAttribute('data-busy');
    }

    async function renew() {
        clearTimeout(timer);
        try {
            const answer = await fetch(location.pathname + location.search, {signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error'});
            const text = await answer.text();
            if (!answer.ok)
                throw new Error(String(answer.status));
            takePage(new DOMParser().parseFromString(text, 'text/html'));
            say('Updated ' + new Date().toISOString().slice(11, 19) + ' UTC', false);
        } catch {
            say('No answer from xfedd: this is what it said last', true);
        }
        plan();
    }

    /* The answer to a form that was refused stays: the page without the refusal is another one. */
    function isRefusal() {
        return document.querySelector('.problem[role=alert]') !== null;
    }

    function plan() {
        clearTimeout(timer);
        if (!isPaused && !document.hidden && !isRefusal())
            timer = setTimeout(renew, isBusy() ? BUSY_MS : EVERY_MS);
    }

    pause.type = 'button';
    pause.textContent = 'Pause';
    pause.setAttribute('aria-pressed', 'false');
    pause.addEventListener('click', () => {
        isPaused = !isPaused;
        pause.setAttribute('aria-pressed', String(isPaused));
        if (isPaused)
            say('Paused', false);
        plan();
    });
    document.addEventListener('visibilitychange', () => document.hidden ? clearTimeout(timer) : plan());
    say('Updates by itself', false);
    live.append(words, pause);
    plan();
})();
