#include "server/rank/blocks.h"

/* A domain has at most 253 characters (RFC 1035); longer names block nothing. */
#define MAX_NAME_BYTES 255

static void lower(char *out, struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
}

static int fill(struct name_set *set, const struct views *names, struct arena *arena)
{
    if (name_set_init(set, names->n, arena))
        return -1;
    for (int i = 0; i < names->n; i++) {
        struct view name = names->items[i];
        char *copy;

        if (name.len == 0 || name.len > MAX_NAME_BYTES)
            continue;
        copy = arena_alloc(arena, name.len);
        if (!copy)
            return -1;
        lower(copy, name);
        name_set_add(set, (struct view){copy, name.len});
    }
    return 0;
}

int blocks_init(struct blocks *blocks, const struct impression_request *request,
                struct arena *arena)
{
    *blocks = (struct blocks){.any = request->badv.n || request->bcat.n};
    if (!blocks->any)
        return 0;
    if (fill(&blocks->domains, &request->badv, arena))
        return -1;
    return fill(&blocks->categories, &request->bcat, arena);
}

/* shop.example is blocked by shop.example and by example, not by op.example. */
static bool domain_hit(const struct name_set *set, struct view domain)
{
    char name[MAX_NAME_BYTES];

    if (domain.len > sizeof(name))
        return false;
    lower(name, domain);
    for (size_t at = 0; at < domain.len; at++)
        if ((at == 0 || name[at - 1] == '.') &&
            name_set_has(set, (struct view){name + at, domain.len - at}))
            return true;
    return false;
}

static bool category_hit(const struct name_set *set, struct view category)
{
    char name[MAX_NAME_BYTES];

    if (category.len > sizeof(name))
        return false;
    lower(name, category);
    for (size_t len = 1; len <= category.len; len++)
        if ((len == category.len || name[len] == '-') &&
            name_set_has(set, (struct view){name, len}))
            return true;
    return false;
}

bool blocks_hit(const struct blocks *blocks, const struct ad *ad)
{
    if (!blocks->any)
        return false;
    for (int i = 0; i < ad->adomain.n; i++)
        if (domain_hit(&blocks->domains, ad->adomain.items[i]))
            return true;
    for (int i = 0; i < ad->cat.n; i++)
        if (category_hit(&blocks->categories, ad->cat.items[i]))
            return true;
    return false;
}
