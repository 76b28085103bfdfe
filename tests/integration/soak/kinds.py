# SPDX-License-Identifier: MIT
"""Kinds of peers, as servers out there are; a peer's number modulo their count says which it is."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    external: bool = True       # else dialback
    bidi: bool = False          # XEP-0288
    sm: bool = False            # XEP-0198: acknowledgements; what was not acknowledged goes back to its sender, as Prosody 0.12 does
    resume: bool = False        # ... and resumption; what cannot be resumed is sent again
    ping: str = 'result'        # what it answers: result, error, silent
    sends: bool = True
    receives: bool = True


KINDS = (
    Kind('external'),
    Kind('0198', sm=True),
    Kind('dialback', external=False),
    Kind('bidi', bidi=True),
    Kind('0198 + resumption', sm=True, resume=True),
    Kind('answers pings with an error', ping='error'),
    Kind('0198 + bidi', sm=True, bidi=True),
    Kind('only receives', sends=False),
    Kind('silent', ping='silent'),
    Kind('0198 + resumption + bidi', sm=True, resume=True, bidi=True),
    Kind('only sends', receives=False),
    Kind('dialback + bidi', external=False, bidi=True, ping='error'),
)


def kind_of(peer):
    return KINDS[peer % len(KINDS)]
