/* SPDX-License-Identifier: MIT */
/* tools.c — the verbs that work on files and need no running xfedd. */
#include "ctl_priv.h"

#include <string.h>

#include <xfed/setup/setup.h>

/* clang-format off */
const struct xf_ctl_tool xf_ctl_tools[] = {
    {"init", "[OPTION...]", "write a first configuration, with secrets, a key and what server and DNS need: init --help", xf_setup_init},
    {"partner", "NAME [OPTION...]", "print the page for a partner's operator, or read theirs: partner --help", xf_setup_partner},
    {NULL, NULL, NULL, NULL},
};
/* clang-format on */

const struct xf_ctl_tool *xf_ctl_tool_find(const char *name)
{
    const struct xf_ctl_tool *tool = xf_ctl_tools;
    while (tool->name && strcmp(tool->name, name) != 0)
        tool++;
    return tool->name ? tool : NULL;
}
