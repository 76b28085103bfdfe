/* SPDX-License-Identifier: MIT */
/*
 * table.c — the alarms, and the events that raise and end them. ALARMS.md explains each;
 * scripts/check-alarms compares the two, and checks that the events exist with the keys that become
 * subjects.
 *
 * A further alarm is a row in KINDS and rows for its events.
 */
#include "alarms_priv.h"

#define MINUTE_MS 60000ull
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define DAILY     (25 * HOUR_MS) /* of a cause that is looked for once a day */
#define AT_ONCE   false
#define LASTING   true
#define NEVER     0

/* clang-format off */
#define KINDS(X) /* name, word, key of the subject, whose, when, lapses after, help */ \
    X(LINK_DOWN,        "link.down",          "link",  OURS,        LASTING, NEVER,           LINK_DOWN) \
    X(LINK_FULL,        "link.full",          "link",  OURS,        AT_ONCE, NEVER,           LINK_STUCK) \
    X(MODULE,           "module.missing",     "link",  OURS,        AT_ONCE, NEVER,           MODULE_MISSING) \
    X(QUEUES_FULL,      "queues.full",        NULL,    OURS,        AT_ONCE, NEVER,           NONE) \
    X(PEER_UNREACHABLE, "peer.unreachable",   "peer",  NAMED_PEERS, LASTING, 15 * MINUTE_MS,  NONE) \
    X(PEER_KEY,         "peer.key",           "peer",  PEERS,       AT_ONCE, DAY_MS,          PEER_KEY_CHANGED) \
    X(PEER_WEAKER,      "peer.weaker",        "peer",  PEERS,       AT_ONCE, DAY_MS,          PEER_WEAKER) \
    X(PEER_CERTIFICATE, "peer.certificate",   "peer",  NAMED_PEERS, AT_ONCE, DAILY,           NONE) \
    X(CERTIFICATE,      "certificate",        "local", OURS,        AT_ONCE, DAILY,           NONE) \
    X(CLOCK,            "clock.skew",         "link",  OURS,        AT_ONCE, NEVER,           CLOCK_SKEWED) \
    X(DIRECTORY,        "directory.down",     NULL,    OURS,        LASTING, NEVER,           DIRECTORY_LOST) \
    X(DIRECTORY_USERS,  "directory.refused",  NULL,    OURS,        AT_ONCE, 15 * MINUTE_MS,  DIRECTORY_LOST) \
    X(MAIL_FILE,        "mail.refused",       NULL,    OURS,        AT_ONCE, NEVER,           NONE) \
    X(DATABASE,         "database.lost",      "store", OURS,        LASTING, NEVER,           STORE_LOST) \
    X(NODE,             "node.lost",          "node",  OURS,        AT_ONCE, NEVER,           NONE) \
    X(HISTORY,          "history.unwritable", "file",  OURS,        LASTING, NEVER,           FILE_UNWRITABLE) \
    X(HISTORY_FILE,     "history.refused",    "file",  OURS,        AT_ONCE, NEVER,           FILE_REFUSED) \
    X(JOURNAL,          "journal.unwritable", "file",  OURS,        LASTING, NEVER,           FILE_UNWRITABLE) \
    X(JOURNAL_FILE,     "journal.refused",    "file",  OURS,        AT_ONCE, NEVER,           FILE_REFUSED) \
    X(DIALOGS,          "dialogs.unwritable", "file",  OURS,        LASTING, NEVER,           FILE_UNWRITABLE) \
    X(DIALOGS_FILE,     "dialogs.refused",    "file",  OURS,        AT_ONCE, NEVER,           FILE_REFUSED) \
    X(AUDIT,            "audit.unwritable",   "file",  OURS,        LASTING, NEVER,           FILE_UNWRITABLE) \
    X(CONFIG,           "config.refused",     NULL,    OURS,        AT_ONCE, NEVER,           NONE) \
    X(LISTENERS,        "listeners.failed",   NULL,    OURS,        AT_ONCE, NEVER,           LISTENERS) \
    X(DESCRIPTORS,      "descriptors",        NULL,    OURS,        AT_ONCE, HOUR_MS,         DESCRIPTORS) \
    X(MORE,             "more",               NULL,    OURS,        AT_ONCE, DAY_MS,          NONE)

enum {
#define X(id, ...) id,
    KINDS(X)
#undef X
};

static const struct xf_alarm_kind kinds[] = {
#define X(id, name, subject, about, waits, lapse_ms, help) {name, subject, XF_ALARM_OF_##about, waits, lapse_ms, XF_HELP_##help},
    KINDS(X)
#undef X
};

#define RAISES(event, kind, text) {event, &kinds[kind], text}
#define ENDS(event, kind)         {event, &kinds[kind], NULL}

const struct xf_alarm_row xf_alarm_rows[] = {
    RAISES("link.outage.began", LINK_DOWN, "no server of the link is up: what peers send comes back, and our users reach nobody"),
    ENDS  ("link.outage.ended", LINK_DOWN),
    RAISES("link.hold.full", LINK_FULL, "what waits for the link has nearly used up hold-bytes: the cluster is away, or takes less than peers send"),
    ENDS  ("link.hold.relieved", LINK_FULL),
    RAISES("link.answers.missing", MODULE, "the local server takes requests of peers and answers none: it does not hand foreign domains to us"),
    ENDS  ("link.answers.seen", MODULE),
    RAISES("routing.queues.filling", QUEUES_FULL, "what waits for peers has nearly used up process { queue-bytes }: beyond it stanzas come back"),
    ENDS  ("routing.queues.relieved", QUEUES_FULL),
    RAISES("routing.peer.unreachable", PEER_UNREACHABLE, "the peer cannot be reached: what our users write to it comes back"),
    ENDS  ("routing.peer.reached", PEER_UNREACHABLE),
    RAISES("peer.key.changed", PEER_KEY, "the peer has another key than before, and nothing vouches for it"),
    RAISES("peer.auth.weaker", PEER_WEAKER, "the peer used SASL EXTERNAL before, and uses dialback now"),
    RAISES("peer.tls.lost", PEER_WEAKER, "the peer used TLS before, and does not now"),
    RAISES("certificate.peer.near", PEER_CERTIFICATE, "the peer's certificate ends soon: tell its operator"),
    RAISES("certificate.peer.expired", PEER_CERTIFICATE, "the certificate that the peer showed last has ended: tell its operator"),
    ENDS  ("certificate.peer.good", PEER_CERTIFICATE),
    RAISES("certificate.expiry.near", CERTIFICATE, "our certificate ends soon: renew the file, then reload"),
    RAISES("certificate.expired", CERTIFICATE, "our certificate has ended, and peers refuse it: renew the file, then reload"),
    RAISES("certificate.start.ahead", CERTIFICATE, "our certificate is not valid yet, and peers refuse it"),
    ENDS  ("certificate.good", CERTIFICATE),
    RAISES("clock.skew.found", CLOCK, "our clock and that of the local server differ: certificates are judged by ours"),
    ENDS  ("clock.skew.gone", CLOCK),
    RAISES("identity.directory.lost", DIRECTORY, "the directory does not answer: e-mail addresses are those that are known"),
    ENDS  ("identity.directory.found", DIRECTORY),
    ENDS  ("identity.directory.removed", DIRECTORY),
    ENDS  ("identity.directory.removed", DIRECTORY_USERS),
    RAISES("identity.directory.refused", DIRECTORY_USERS, "the directory answers with an error: users and groups are those that are known"),
    ENDS  ("identity.directory.loaded", DIRECTORY_USERS),
    RAISES("identity.file.refused", MAIL_FILE, "the map of e-mail addresses cannot be read: the old one is in force, if there was one"),
    ENDS  ("identity.file.loaded", MAIL_FILE),
    ENDS  ("identity.file.removed", MAIL_FILE),
    RAISES("memory.store.lost", DATABASE, "the shared database does not answer: this node works with what it knows"),
    ENDS  ("memory.store.found", DATABASE),
    RAISES("node.lost", NODE, "the heartbeat of another node has stopped"),
    ENDS  ("node.returned", NODE),
    ENDS  ("node.left", NODE),
    ENDS  ("node.forgotten", NODE),
    RAISES("memory.write.failed", HISTORY, "the history of peers cannot be written"),
    ENDS  ("memory.write.recovered", HISTORY),
    RAISES("memory.file.refused", HISTORY_FILE, "the history of peers cannot be used: it is kept in memory, and ends with the process"),
    RAISES("journal.write.failed", JOURNAL, "the journal cannot be written: messages that wait are only in memory"),
    ENDS  ("journal.write.recovered", JOURNAL),
    RAISES("journal.file.refused", JOURNAL_FILE, "the journal cannot be used: messages that wait do not survive a restart"),
    RAISES("dialogs.write.failed", DIALOGS, "subscriptions of SIP cannot be written: those of now do not survive a restart"),
    ENDS  ("dialogs.write.recovered", DIALOGS),
    RAISES("dialogs.file.refused", DIALOGS_FILE, "the file of SIP subscriptions cannot be used: they do not survive a restart"),
    RAISES("audit.write.failed", AUDIT, "the audit cannot be written: its lines wait"),
    ENDS  ("audit.write.recovered", AUDIT),
    RAISES("config.reload.refused", CONFIG, "the new configuration was refused: the old one is in force, and a restart would fail"),
    ENDS  ("config.reload.done", CONFIG),
    RAISES("process.listeners.failed", LISTENERS, "a socket cannot listen again, or not stop listening"),
    ENDS  ("process.listeners.opened", LISTENERS),
    ENDS  ("process.listeners.closed", LISTENERS),
    RAISES("process.descriptors.exhausted", DESCRIPTORS, "file descriptors run out: connections are closed at once"),
};
/* clang-format on */

const size_t xf_alarm_row_count = XF_ARRAY_LEN(xf_alarm_rows);

const struct xf_alarm_row xf_alarm_more = {
    "", &kinds[MORE], "there are further alarms, for which there was no room: the log has them"};
