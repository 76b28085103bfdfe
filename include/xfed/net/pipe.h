/* SPDX-License-Identifier: MIT */
/*
 * pipe.h — Unix-domain stream sockets on the loop, for programs on this machine. The kernel says
 * who connected (SO_PEERCRED, SO_PEERGROUPS: unix(7)).
 */
#pragma once

#include <sys/types.h>
#include <xfed/base/buf.h>

struct xf_loop;
struct xf_pipe_listener;
struct xf_pipe;

#define XF_PIPE_OUT_MAX    (4u << 20) /* ceiling of the output that waits, in bytes */
#define XF_PIPE_GROUPS_MAX 256        /* of further groups, those behind are not seen */

/* Who connected, at that moment. */
struct xf_pipe_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    gid_t groups[XF_PIPE_GROUPS_MAX];
    size_t group_count;
};

/* No event is delivered before the call that caused it has returned. */
struct xf_pipe_events {
    void (*data)(void *owner, const char *bytes, size_t len); /* len > 0; borrowed */
    void (*drained)(void *owner);                             /* all output has left */
    void (*closed)(void *owner); /* exactly once, and last: the pointer is invalid then */
};

/* Call xf_pipe_own or xf_pipe_close before returning. `peer` is borrowed. */
typedef void (*xf_pipe_accept_fn)(void *owner, struct xf_pipe *pipe,
                                  const struct xf_pipe_peer *peer);

/*
 * Listen at `path`, which gets this mode. A socket that nobody listens on any more is replaced.
 * XF_ERR_CONFIG: another process listens there, or the path is something else. XF_ERR_IO: the
 * system refuses, as `err` says.
 */
XF_MUST_USE enum xf_err xf_pipe_listen(struct xf_loop *loop, const char *path, mode_t mode,
                                       xf_pipe_accept_fn accept, void *owner,
                                       struct xf_pipe_listener **out_listener,
                                       struct xf_error *err);
/* Remove the socket, unless another one has taken its place. Conns stay. */
void xf_pipe_listener_close(struct xf_pipe_listener **listener);

void xf_pipe_own(struct xf_pipe *pipe, const struct xf_pipe_events *events, void *owner);
struct xf_buf *xf_pipe_out(struct xf_pipe *pipe);
/* Send what is in the output. */
void xf_pipe_flush(struct xf_pipe *pipe);
/* Is there output that has not left? */
bool xf_pipe_is_busy(const struct xf_pipe *pipe);
/*
 * Deliver nothing more, send the output for at most XF_PIPE_LINGER_MS, close. May be called again.
 */
#define XF_PIPE_LINGER_MS 2000
void xf_pipe_close(struct xf_pipe *pipe);
