/* Lists by size class, newest first. */
#include "server/net/holders.h"

#include <stdbool.h>
#include <stddef.h>

#define LOOKS_A_LIST 8

static int list_of(int64_t bytes)
{
    int list = 0;

    if (bytes <= HOLDERS_LEAST_BYTES)
        return 0;
    for (int64_t above = HOLDERS_LEAST_BYTES; above < bytes && list < HOLDERS_LISTS; above *= 2)
        list++;
    return list;
}

static void take_out(struct holders *holders, struct holder *holder)
{
    if (holder->before)
        holder->before->next = holder->next;
    else
        holders->first[holder->list - 1] = holder->next;
    if (holder->next)
        holder->next->before = holder->before;
    holder->before = holder->next = NULL;
}

static void put_in(struct holders *holders, struct holder *holder)
{
    struct holder **first = &holders->first[holder->list - 1];

    holder->next = *first;
    if (holder->next)
        holder->next->before = holder;
    *first = holder;
}

void holders_set(struct holders *holders, struct holder *holder, int64_t bytes)
{
    int list = list_of(bytes);

    holder->bytes = bytes;
    if (list == holder->list)
        return;
    if (holder->list)
        take_out(holders, holder);
    holder->list = list;
    if (list)
        put_in(holders, holder);
}

static bool gives_way(const struct holder *holder, const struct holder *asking,
                      int64_t asking_bytes, int64_t small_bytes)
{
    if (holder == asking)
        return false;
    if (asking_bytes <= small_bytes)
        return holder->bytes > asking_bytes;
    return holder->list >= list_of(asking_bytes) && holder->serial > asking->serial;
}

struct holder *holders_victim(struct holders *holders, const struct holder *asking,
                              int64_t asking_bytes, int64_t small_bytes, holders_may_fn may,
                              void *arg)
{
    for (int list = HOLDERS_LISTS; list > 0; list--) {
        struct holder *found = NULL, *at = holders->first[list - 1];

        for (int i = 0; at && i < LOOKS_A_LIST; i++, at = at->next)
            if (gives_way(at, asking, asking_bytes, small_bytes) && may(at, arg) &&
                (!found || at->serial > found->serial))
                found = at;
        if (found)
            return found;
    }
    return NULL;
}
