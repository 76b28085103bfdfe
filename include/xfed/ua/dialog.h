/* SPDX-License-Identifier: MIT */
/*
 * dialog.h — SIP dialogs as values (RFC 3261 section 12, RFC 6665): made of a message, good for
 * requests in them, checked against what comes, packed into bytes for a store. No I/O, no state but
 * what is seen here. Test: tests/unit/ua/test_dialog.c.
 *
 * Whatever targets and routes say, requests go to the next hop of the peer: nobody can make us
 * connect anywhere by a Contact or a Record-Route. They only are written into the request.
 */
#pragma once

#include <xfed/ua/ua.h>

#define XF_DIALOG_BYTES_MAX 4096 /* of a packed dialog; a larger one is refused when it is made */

struct xf_dialog {
    char *served, *peer; /* the pair: prepared domains */
    char *call_id;
    char *local_tag, *remote_tag; /* remote_tag "": a peer of RFC 2543 without tags */
    /* Our From and its To: "<URI>;tag=TAG"; URIs as they were sent, without display names. */
    char *from, *to;
    char *target; /* URI of its Contact: the remote target */
    /* Route set: URIs with all their parameters, as they were sent, each ended by LF; "": empty. */
    char *route;
    char *strict_route;  /* what Route has if the first URI has no lr; NULL: as `route` */
    uint32_t local_cseq; /* of our last request in it */
    int64_t remote_cseq; /* of its last one; XF_SIP_ABSENT: none came */
};

/*
 * Made by a peer's answer (101-299, with a tag in To) to an INVITE of ours. For SUBSCRIBE see
 * below. All of these: XF_ERR_BAD_VALUE: the message makes no dialog: it has no Contact, or not
 * the tags that it needs. XF_ERR_LIMIT: larger than XF_DIALOG_BYTES_MAX. Then *out_dialog is
 * unchanged; else xf_dialog_fini frees what it has.
 */
XF_MUST_USE enum xf_err xf_dialog_from_answer(struct xf_dialog *out_dialog, struct xf_span served,
                                              struct xf_span peer,
                                              const struct xf_sip_message *answer);

/* Made by a peer's INVITE or SUBSCRIBE that we accept; `tag`: xf_ua_server_tag. */
XF_MUST_USE enum xf_err xf_dialog_from_request(struct xf_dialog *out_dialog, struct xf_span served,
                                               struct xf_span peer,
                                               const struct xf_sip_message *request,
                                               struct xf_span tag);

/*
 * Made by a NOTIFY to a SUBSCRIBE of ours (RFC 6665 section 4.4.1: not by the answer to it, which
 * may come later). `cseq`: of the SUBSCRIBE. Whether the NOTIFY belongs to it (Call-ID, To tag,
 * Event) the caller has checked.
 */
XF_MUST_USE enum xf_err xf_dialog_from_notify(struct xf_dialog *out_dialog, struct xf_span served,
                                              struct xf_span peer,
                                              const struct xf_sip_message *notify, uint32_t cseq);

void xf_dialog_fini(struct xf_dialog *dialog); /* zeroed is fine */

/*
 * The dialog is as a process before left it, `starts` processes ago (dialogs.h), each of which may
 * have sent requests in it that it has not kept: its next CSeq is behind all these. Gaps are
 * allowed, an old number is refused (RFC 3261 section 12.2).
 */
#define XF_DIALOG_UNKEPT 64 /* such requests of one process */
void xf_dialog_skip(struct xf_dialog *dialog, uint32_t starts);

/*
 * Fill the parts of a request that the dialog decides: pair, URI, route, From, To, Call-ID and the
 * next CSeq, all borrowed from the dialog; everything else is zeroed. False: CSeq has no next
 * number, and the dialog can only end.
 */
XF_MUST_USE bool xf_dialog_request(struct xf_dialog *dialog, enum xf_sip_method method,
                                   struct xf_ua_request *out_request);
/* The same for the ACK to a 2xx, with the CSeq of its INVITE. */
void xf_dialog_ack(const struct xf_dialog *dialog, uint32_t cseq,
                   struct xf_ua_request *out_request);

/* Is the message in this dialog: a request of the peer, or an answer of it? */
bool xf_dialog_has(const struct xf_dialog *dialog, const struct xf_sip_message *message);

/*
 * A request of the peer in the dialog: check it, and note its CSeq. 0: it is good. Else the status
 * to answer with: 481, it is not in the dialog; 500, its CSeq is not above the last one (RFC 3261
 * section 12.2.2). Nothing is noted then.
 */
XF_MUST_USE unsigned xf_dialog_take(struct xf_dialog *dialog, const struct xf_sip_message *request);
/*
 * The same check for a packed dialog. 0: it is good, and *out_is_same says whether the target stays
 * as it is, too: then xf_dialog_note is all that is to be noted of the request, and the dialog need
 * not be unpacked.
 */
XF_MUST_USE unsigned xf_dialog_look(struct xf_span packed, const struct xf_sip_message *request,
                                    bool *out_is_same);
void xf_dialog_note(char *packed, uint32_t remote_cseq);
/*
 * A message that refreshes the remote target was accepted: an INVITE, UPDATE, SUBSCRIBE or NOTIFY
 * of the peer, or its 2xx to ours. Without Contact nothing happens. XF_ERR_BAD_VALUE: it is no SIP
 * URI. XF_ERR_LIMIT as above. In both cases the target stays.
 */
XF_MUST_USE enum xf_err xf_dialog_refresh(struct xf_dialog *dialog,
                                          const struct xf_sip_message *message);

/* Append to `out`: XF_ERR_LIMIT, and `out` is unchanged. Same bytes on every machine. */
XF_MUST_USE enum xf_err xf_dialog_pack(const struct xf_dialog *dialog, struct xf_buf *out);
/* XF_ERR_BAD_VALUE: it was not packed by xf_dialog_pack, and *out_dialog is unchanged. */
XF_MUST_USE enum xf_err xf_dialog_unpack(struct xf_span bytes, struct xf_dialog *out_dialog);
