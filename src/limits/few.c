/* SPDX-License-Identifier: MIT */
/* few.c — work that is done for a few at a time (xfed/limits/few.h). */
#include <xfed/base/err.h>
#include <xfed/limits/few.h>

void xf_few_init(struct xf_few *few, unsigned most, void (*begin)(struct xf_few_entry *entry))
{
    *few = (struct xf_few){.most = most, .begin = begin};
    xf_list_init(&few->waiting);
}

void xf_few_go_on(struct xf_few *few)
{
    while (few->out < few->most && !xf_list_is_empty(&few->waiting)) {
        struct xf_few_entry *entry = XF_CONTAINER(few->waiting.next, struct xf_few_entry, node);
        xf_list_remove(&entry->node);
        entry->is_out = true;
        few->out++;
        few->begin(entry);
    }
}

void xf_few_wait(struct xf_few *few, struct xf_few_entry *entry)
{
    xf_require(!xf_few_has(entry));
    xf_list_push(&few->waiting, &entry->node);
    xf_few_go_on(few);
}

bool xf_few_done(struct xf_few *few, struct xf_few_entry *entry)
{
    bool was_out = entry->is_out;
    entry->is_out = false;
    few->out -= was_out;
    return was_out;
}

void xf_few_leave(struct xf_few *few, struct xf_few_entry *entry)
{
    xf_list_remove(&entry->node);
    if (xf_few_done(few, entry))
        xf_few_go_on(few);
}
