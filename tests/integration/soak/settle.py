# SPDX-License-Identifier: MIT
"""What became of each stanza, from what both sides saw of it, and where there is something to explain, whose doing it is.

Good ends: delivered, returned (an error came back), answered (iq). Nobody's fault, and counted:

    cut             half written before a reset, on purpose
    never taken     its bytes were not acknowledged by xfedd's kernel when the sender's connection broke
    kept            its sender knows that it was not taken (0198, a killed peer)
    crossed         written to a leg as xfedd's footer came, or just before the leg was reset; or by a hung peer that read the footer late or not at all
    silent peer     lost with the connection of a peer that answers no pings: only its TCP had said that it arrived
    kill -9         gone while xfedd was killed
    unavoidable     delivered twice, or delivered and returned, and nobody told xfedd of the first delivery before the connection
                    broke; an iq request is never sent again, and all copies of a message but one bear XEP-0203's stamp;
                    an error or a result that came twice, the same way
    not deliverable the result of an iq request, to a peer that could not be reached, or as xfedd ended: nobody can be told

Anomalies are everything else.
"""
import bisect
import collections
from array import array

from .ledger import (ANSWERED, CUT, DELAYED, GOT, IQ_FLAG, KEPT, PRESENCE_FLAG, PROVED, REPLIED, REPLY, RESENT, RESUMED, RETURNED, SENT, TOLD,
                     read_lines, read_records)
from .kinds import kind_of
from .stanza import peer_of

GRACE_S = 0.5           # from what is said to xfedd until it is sure that it has read it
CROSSED_S = 0.25
KILLED_S = 60           # before a kill -9, for what waited in a route; and a little after
SETTLE_S = 5
EXAMPLES = 5            # of each anomaly
BACK_S = 6              # after a peer is back: xfedd does not connect at a stranger's wish to where nobody was a moment ago
UNREACHABLE = ('kill', 'blackhole', 'hang', 'stall', 'alert', 'servfail', 'silence')
HUNG = ('blackhole', 'hang', 'stall', 'slow')
NOTICED_S = 1           # until xfedd has noticed that a connection ended


class Table:
    """Of one direction: columns by serial."""
    def __init__(self, count):
        def column(kind):
            return array(kind, bytes(array(kind).itemsize * (count + 1)))
        self.count = count
        self.flags, self.sends, self.got, self.returned, self.answered = (column('B') for _ in range(5))
        self.kept, self.told, self.reply_kept, self.reply_told, self.reply_again = (column('B') for _ in range(5))
        self.pair, self.place = column('H'), column('I')
        self.sent_at, self.sent_conn, self.sent_index = column('d'), column('I'), column('I')
        self.got_at, self.got_conn, self.got_index, self.got_flags = column('d'), column('I'), column('I'), column('B')
        self.reply_conn, self.reply_index, self.reply_at = column('I'), column('I'), column('d')
        self.copies = {}            # serial -> all deliveries, of those with several: (conn, index, time, flags)
        self.ends = {}              # serial -> (time, record, conn, index) of the errors, and of an iq's results


def bump(column, serial):
    if column[serial] < 255:
        column[serial] += 1


class Side:
    """One process: its connections and what it proved."""
    def __init__(self, stem):
        lines = read_lines(stem)
        self.conns = {line['conn']: line for line in lines if 'conn' in line}
        last = lines[-1]
        self.wrong, self.examples = collections.Counter(last['wrong']), last['examples']
        self.stem = stem
        self.proofs = collections.defaultdict(list)     # conn -> [(time, count, said on)]
        self.by_peer = collections.defaultdict(list)    # peer -> [(closed, conn)]
        for number, conn in self.conns.items():
            self.by_peer[conn.get('peer')].append((conn['closed'], number))
        for ends in self.by_peer.values():
            ends.sort()

    def closed(self, conn):
        return self.conns[conn]['closed'] if conn in self.conns else float('inf')

    def taken(self, conn, index):
        """Did the other side's kernel get it?"""
        line = self.conns.get(conn)
        return line is None or line['how'] == 'finish' or index <= line['taken']

    def proved(self, conn, index, until, story):
        """Had xfedd been told of that stanza by then, and certainly read it?"""
        for at, count, said_on in self.proofs[conn]:
            if count >= index and story.after(at, GRACE_S) <= min(until, self.closed(said_on)) and not story.is_dark(self.conns.get(said_on, {}).get('peer'), at):
                return True
        return False

    def ended_after(self, peer, at, story, within=90):
        """How the first connection of that peer, or leg, that ended after this time did."""
        ends = self.by_peer[peer] if peer in self.by_peer else self.by_peer[None]
        spot = bisect.bisect_left(ends, (story.before(at, NOTICED_S), 0))
        for closed, number in ends[spot:]:
            if closed > at + within:
                break
            line = self.conns[number]
            if line['how'] != 'finish' and line['opened'] < at + within and line['ready']:
                return f"{line['role']}: {line['how']}"
        return None


class Direction:
    """`name` is its letter; `sender` and `receiver` are sides."""
    def __init__(self, name, sender, receiver, count):
        self.name, self.sender, self.receiver, self.t = name, sender, receiver, Table(count)
        self.counts, self.anomalies = collections.Counter(), collections.Counter()
        self.where, self.examples = collections.Counter(), []
        self.places = collections.Counter()

    # ---- reading

    def from_sender(self, what, flags, pair, serial, conn, index, at):
        t = self.t
        if what in (SENT, RESENT, RESUMED):
            if what == SENT:
                self.places[pair] += 1
                t.pair[serial], t.flags[serial], t.place[serial] = pair, flags, self.places[pair]
                t.sent_at[serial] = at
            if what != RESUMED:
                bump(t.sends, serial)
            t.sent_conn[serial], t.sent_index[serial] = conn, index
        elif what in (RETURNED, ANSWERED):
            bump(t.returned if what == RETURNED else t.answered, serial)
            if what == RETURNED or t.flags[serial] & IQ_FLAG:
                t.ends.setdefault(serial, []).append((at, what, conn, index))
        elif what == KEPT:
            t.kept[serial] = 1
        elif what == TOLD:
            t.told[serial] = 1

    def from_receiver(self, what, flags, pair, serial, conn, index, at):
        t = self.t
        if what == GOT:
            if t.got[serial] == 0:
                t.got_at[serial], t.got_conn[serial], t.got_index[serial], t.got_flags[serial] = at, conn, index, flags
            else:
                t.copies.setdefault(serial, [(t.got_conn[serial], t.got_index[serial], t.got_at[serial], t.got_flags[serial])]).append((conn, index, at, flags))
            bump(t.got, serial)
        elif what == REPLIED:
            t.reply_conn[serial], t.reply_index[serial], t.reply_at[serial] = conn, index, at
            t.reply_again[serial] |= flags & DELAYED
        elif what == KEPT:
            t.reply_kept[serial] = 1
        elif what == TOLD:
            t.reply_told[serial] = 1

    # ---- judging

    def wrong(self, kind, serial, why=''):
        self.anomalies[kind] += 1
        self.where[f'{kind}: {why}'] += 1
        if self.where[f'{kind}: {why}'] <= EXAMPLES:
            t = self.t
            self.examples.append(dict(kind=kind, why=why, id=f'{self.name}{serial}', peer=peer_of(t.pair[serial]), flags=t.flags[serial],
                                      sent_at=round(t.sent_at[serial], 2), conn=t.sent_conn[serial], got_conn=t.got_conn[serial],
                                      got_at=round(t.got_at[serial], 2)))

    def judge(self, story):
        t, self.story = self.t, story
        for serial in range(1, t.count + 1):
            if not t.sends[serial]:
                continue
            if t.flags[serial] & CUT:
                self.counts['cut'] += 1
                if t.got[serial]:
                    self.wrong('partial', serial)
                continue
            self.counts['sent'] += 1
            self._one(serial)
        self._order()

    def _one(self, serial):
        t = self.t
        if t.got[serial]:
            self.counts['delivered'] += 1
        if t.returned[serial]:
            self.counts['returned'] += 1
        if t.got[serial] > 1:
            self._doubled(serial)
        if t.flags[serial] & IQ_FLAG:
            self._request(serial)
        elif t.returned[serial] > 1:
            self._ended_twice('returned twice', serial)
        elif t.got[serial] and t.returned[serial]:
            self._both(serial)
        if not t.got[serial] and not t.returned[serial] and not t.answered[serial]:
            self._missing(serial)

    def _doubled(self, serial):
        """By the sender itself, by xfedd because it could not know, or for no reason."""
        t, (first, *rest) = self.t, self.t.copies[serial]
        if t.sends[serial] >= t.got[serial]:
            self.counts['sent again by its sender'] += 1
            return
        # Of what its sender wrote again, on a new stream, as many copies may have come for that.
        whys = sorted(filter(None, (self._why_doubled(serial, first, again) for again in rest)))[t.sends[serial] - 1:]
        unstamped = sum(not flags & DELAYED for *_, flags in (first, *rest))
        if whys:
            self.wrong('doubled', serial, whys[0])
        elif unstamped > t.sends[serial] and not t.flags[serial] & PRESENCE_FLAG:
            self.wrong('doubled', serial, 'without a stamp')        # the stamped one may be read first
        else:
            self.counts['doubled, unavoidable'] += 1

    def _why_doubled(self, serial, first, again):
        receiver, t = self.receiver, self.t
        session = receiver.conns.get(first[0], {}).get('session')
        conn, _, at, _ = again
        if conn == first[0]:
            return 'on one connection'
        if t.flags[serial] & IQ_FLAG:
            return 'an iq request'
        if session and session == receiver.conns.get(conn, {}).get('session'):
            return 'after a resumption'
        early, late = self._as_written(serial, receiver, first, again)
        if receiver.proved(early[0], early[1], min(late[2], receiver.closed(early[0])), self.story):
            return 'xfedd knew of the first'
        if receiver.closed(first[0]) > at and not self._was_hung(serial, at, receiver, (first[0], conn)):
            return 'the first connection had not broken'
        return None

    def _both(self, serial):
        t, receiver = self.t, self.receiver
        ended = min(at for at, what, *_ in t.ends[serial] if what == RETURNED)
        if receiver.proved(t.got_conn[serial], t.got_index[serial], min(ended, receiver.closed(t.got_conn[serial])), self.story):
            self.wrong('delivered and returned', serial, 'xfedd knew of the delivery')
        elif receiver.closed(t.got_conn[serial]) > self.story.after(ended, GRACE_S) and ended > t.got_at[serial] and not self._was_hung(serial, ended, receiver, (t.got_conn[serial],)):
            self.wrong('delivered and returned', serial, 'the connection had not broken')
        else:
            self.counts['delivered and returned, unavoidable'] += 1

    def _was_hung(self, serial, until, side=None, conns=()):
        """Then xfedd may have given up a connection that the peer, or the node of one of these of that side, reads later on."""
        since, nodes = self.t.sent_at[serial], [side.conns.get(conn, {}).get('node') for conn in conns]
        return self.story.was_hung(peer_of(self.t.pair[serial]), since, until) or any(self.story.node_was_hung(node, since, until) for node in nodes)

    def _as_written(self, serial, side, first, again):
        """Two copies, (conn, index, time, ...) in the order in which they were read. -> in that in which xfedd wrote them: what a hung node reads is old."""
        hung = [self.story.node_was_hung(side.conns.get(conn, {}).get('node'), self.t.sent_at[serial], at) for conn, _, at, *_ in (first, again)]
        return (again, first) if hung == [False, True] else (first, again)

    def _request(self, serial):
        t = self.t
        ends = t.returned[serial] + t.answered[serial]
        if t.answered[serial]:
            self.counts['answered'] += 1
        if ends > 1:
            self._answered_twice(serial)
        elif ends == 0 and t.got[serial]:
            self._unanswered(serial)
        elif t.returned[serial] and t.got[serial] and not t.answered[serial]:
            self.counts['request delivered, then returned'] += 1

    def _answered_twice(self, serial):
        t = self.t
        if t.returned[serial] > 1:
            self._ended_twice('returned twice', serial)
        elif t.answered[serial] > 1:
            self._ended_twice('answered twice', serial)
        else:
            self._both(serial)

    def _ended_twice(self, kind, serial):
        """The second error, or result, is nobody's fault if xfedd could not know that the first arrived."""
        t, asker = self.t, self.sender
        read = [(conn, index, at) for at, _, conn, index in sorted(t.ends[serial])[:2]]
        (conn, index, _), (other, _, again) = self._as_written(serial, asker, *read)
        broke = asker.closed(conn) <= again or self._was_hung(serial, max(at for *_, at in read), asker, (conn, other))
        if t.sends[serial] > 1 or t.reply_again[serial] or broke and not asker.proved(conn, index, min(again, asker.closed(conn)), self.story):
            self.counts[f'{kind}, unavoidable'] += 1
        else:
            self.wrong(kind, serial)

    def _unanswered(self, serial):
        t, replier = self.t, self.receiver
        if t.reply_kept[serial] or not t.reply_at[serial]:
            self.counts['reply kept'] += 1
        elif not replier.taken(t.reply_conn[serial], t.reply_index[serial]) and not t.reply_told[serial]:
            self.counts['reply never taken'] += 1
        elif self.story.killed(t.reply_at[serial]):
            self.counts['kill -9'] += 1
        elif self.name == 'i' and (self.story.was_ill(peer_of(t.pair[serial]), t.reply_at[serial]) or self.story.restarted(t.reply_at[serial])):
            self.counts['result not deliverable'] += 1
        elif self._crossed(replier, serial, t.reply_conn[serial], t.reply_at[serial]):
            self.counts['crossed'] += 1
        else:
            why = self._cause(serial, t.reply_at[serial], t.reply_conn[serial], replier, self.sender)
            self._lost('unanswered', serial, why, self.name == 'i')

    def _crossed(self, side, serial, conn, at):
        line = side.conns.get(conn)
        if not line:
            return False
        if line['role'] == 'Leg':       # XEP-0114 knows no acknowledgements
            end = line['footer'] or (line['closed'] if line['how'] == 'reset' else None)
            return bool(end and at > self.story.before(end, CROSSED_S))
        end = line['footer'] or (self.story.restarted(at) and line['closed'])
        return bool(end and self.story.was_hung(peer_of(self.t.pair[serial]), at, end))

    def _lost(self, kind, serial, why, to_peer):
        if to_peer and why.startswith('onward') and kind_of(peer_of(self.t.pair[serial])).ping == 'silent':
            self.counts['silent peer'] += 1
        else:
            self.wrong(kind, serial, why)

    def _missing(self, serial):
        t, sender = self.t, self.sender
        conn, at = t.sent_conn[serial], t.sent_at[serial]
        if t.kept[serial] and not t.told[serial]:
            self.counts['kept'] += 1
        elif not t.told[serial] and not sender.taken(conn, t.sent_index[serial]):
            self.counts['never taken'] += 1
        elif self.story.killed(at):
            self.counts['kill -9'] += 1
        elif self._crossed(sender, serial, conn, at):
            self.counts['crossed'] += 1
        else:
            why = self._cause(serial, at, conn, sender, self.receiver)
            self._lost('vanished', serial, why + (', acknowledged by xfedd' if t.told[serial] else ''), self.name == 'o')

    def _cause(self, serial, at, conn, sender, receiver):
        """What broke first on its way: its sender's connection, or one of those that could have carried it on."""
        peer = peer_of(self.t.pair[serial])
        if self.story.restarted(at):
            return 'restart of xfedd'
        line, onward = sender.conns.get(conn), receiver.ended_after(peer, at, self.story)
        could_prove = kind_of(peer).ping != 'silent'    # else its connection explains more than one that xfedd reads at once
        if line and line['closed'] - at < SETTLE_S and not receiver.ended_after(peer, at, self.story, line['closed'] - at) and (could_prove or not onward):
            return f"{line['role']} it was written to: {line['how']}"
        return f'onward: {onward}' if onward else 'UNEXPLAINED'

    def _order(self):
        """In the order of arrival, each pair's places rise; where they do not, both came on one connection and were sent on one."""
        t = self.t
        best = {}
        for serial in sorted((s for s in range(1, t.count + 1) if t.got[s]), key=lambda s: (t.got_at[s], t.got_conn[s], t.got_index[s])):
            pair, place = t.pair[serial], t.place[serial]
            last = best.get(pair)
            if last is None or place > t.place[last]:
                best[pair] = serial
            elif t.got_conn[last] == t.got_conn[serial] and t.sent_conn[last] == t.sent_conn[serial] and not self._is_mixed(last) and not self._is_mixed(serial):
                self.wrong('reordered', serial)
            else:
                self.counts['overtaken over another connection'] += 1

    def _is_mixed(self, serial):
        """Its sender wrote it again on a new stream, and several came: which of them is which is not known."""
        return self.t.sends[serial] > 1 and serial in self.t.copies


class Story:
    """When xfedd was ended, and how; when it stood still with its machine; when a peer could not be reached."""
    def __init__(self, runs, faults, still):
        self.still = still
        self.ends = [(end, how) for _, end, how in runs if end]
        self.ill, self.dark, self.hung, self.nodes = (collections.defaultdict(list) for _ in range(4))
        for fault in faults:
            if fault['name'] in ('leg stall', 'link stall'):
                for node in fault['nodes']:
                    self.nodes[node].append((fault['at'] - GRACE_S, fault['until'] + GRACE_S))
            if fault['name'] in HUNG:
                self.hung[fault['peer']].append((fault['at'] - GRACE_S, 2 * fault['until'] - fault['at'] + GRACE_S))
            if fault['name'] == 'blackhole':
                # as long again, until TCP tries once more
                self.dark[fault['peer']].append((fault['at'] - GRACE_S, 2 * fault['until'] - fault['at'] + GRACE_S))
            if fault['name'] in UNREACHABLE:
                self.ill[fault['peer']].append((fault['at'], fault['until']))

    def after(self, at, seconds):
        """When xfedd has had so many seconds since then."""
        end = at + seconds
        for first, last in self.still:
            if first < end and last > at:
                end += last - max(first, at)
        return end

    def before(self, at, seconds):
        """Since when it has had so many seconds until then."""
        begin = at - seconds
        for first, last in reversed(self.still):
            if last > begin and first < at:
                begin -= min(last, at) - first
        return begin

    def killed(self, at):
        return any(how == 'kill -9' and end - KILLED_S < at < end + GRACE_S for end, how in self.ends)

    def restarted(self, at):
        return any(how != 'kill -9' and end - SETTLE_S - 10 < at < end + GRACE_S for end, how in self.ends)

    def is_dark(self, peer, at):
        return any(begin < at < end for begin, end in self.dark[peer])

    def was_hung(self, peer, begin, end):
        return any(first < end and begin < last for first, last in self.hung[peer])

    def node_was_hung(self, node, begin, end):
        return any(first < end and begin < last for first, last in self.nodes[node])

    def was_ill(self, peer, at):
        return any(begin - GRACE_S < at < end + BACK_S for begin, end in self.ill[peer])


def settle(stems, runs, faults, still=()):
    """`still`: when xfedd stood still, as (begin, end), in order. -> both directions, judged, and what each side found wrong by itself"""
    sides = {name: Side(stem) for name, stem in stems.items()}
    cluster, peers = sides['cluster'], sides['peers']
    counts = {name: sum(1 for r in read_records(side.stem) if r[0] == SENT) for name, side in sides.items()}
    out, into = Direction('o', cluster, peers, counts['cluster']), Direction('i', peers, cluster, counts['peers'])
    for side, sends, gets in ((cluster, out, into), (peers, into, out)):
        for record in read_records(side.stem):
            _sort(record, side, sends, gets)
    story = Story(runs, faults, still)
    for direction in (out, into):
        direction.judge(story)
    return out, into, cluster.wrong + peers.wrong, cluster.examples + peers.examples


def _sort(record, side, sends, gets):
    what, flags, _, serial, conn, index, at = record
    if what == PROVED:
        side.proofs[conn].append((at, serial, index))
    elif what in (GOT, REPLIED) or flags & REPLY:
        gets.from_receiver(*record)
    else:
        sends.from_sender(*record)
