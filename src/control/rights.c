/* SPDX-License-Identifier: MIT */
/* rights.c — who may look, and who may act: by the identity that the kernel names. */
#include "control_priv.h"

#include <unistd.h>

static bool has_group(const struct xf_pipe_peer *peer, gid_t group)
{
    if (peer->gid == group)
        return true;
    for (size_t i = 0; i < peer->group_count; i++)
        if (peer->groups[i] == group)
            return true;
    return false;
}

static bool is_in_one_of(const struct xf_pipe_peer *peer, const gid_t *groups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has_group(peer, groups[i]))
            return true;
    return false;
}

enum xf_right xf_control_right_of(const struct xf_control *control, const struct xf_pipe_peer *peer)
{
    if (peer->uid == 0 || peer->uid == geteuid() ||
        is_in_one_of(peer, control->admins, control->opts.admin_count))
        return XF_RIGHT_ACT;
    return is_in_one_of(peer, control->readers, control->opts.reader_count) ? XF_RIGHT_SEE
                                                                            : XF_RIGHT_NONE;
}
