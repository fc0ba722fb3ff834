/* The names of a request's lists, normalized into sets, and the look-up of an ad in them. */
#include "market/blocks.h"

#include "impression/domain.h"

#define MAX_CATEGORY_BYTES 255 /* longer ones block nothing */

/* Into out (MAX_CATEGORY_BYTES); 0: there is nothing to compare. */
static size_t normalize_category(struct view name, char *out)
{
    name = domain_trim(name);
    if (name.len > MAX_CATEGORY_BYTES)
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return name.len;
}

typedef size_t (*normalize_fn)(struct view name, char *out);

static int fill(struct name_set *set, const struct views *names, normalize_fn normalize,
                struct arena *arena)
{
    char name[MAX_CATEGORY_BYTES];

    _Static_assert(sizeof(name) >= DOMAIN_MAX_BYTES, "both kinds of names");
    if (name_set_init(set, names->n, arena))
        return -1;
    for (int i = 0; i < names->n; i++) {
        size_t len = normalize(names->items[i], name);
        char *copy;

        if (len == 0 || name_set_has(set, (struct view){name, len}))
            continue;
        copy = arena_alloc(arena, len);
        if (!copy)
            return -1;
        memcpy(copy, name, len);
        name_set_add(set, (struct view){copy, len});
    }
    return 0;
}

int blocks_init(struct blocks *blocks, const struct impression_request *request,
                struct arena *arena)
{
    *blocks = (struct blocks){.any = request->badv.n || request->bcat.n};
    if (!blocks->any)
        return 0;
    if (fill(&blocks->domains, &request->badv, domain_normalize, arena))
        return -1;
    return fill(&blocks->categories, &request->bcat, normalize_category, arena);
}

/* shop.example is blocked by shop.example and by example, not by op.example. */
static bool domain_hit(const struct name_set *set, struct view domain)
{
    for (size_t at = 0; at < domain.len; at++)
        if ((at == 0 || domain.ptr[at - 1] == '.') &&
            name_set_has(set, (struct view){domain.ptr + at, domain.len - at}))
            return true;
    return false;
}

static bool category_hit(const struct name_set *set, struct view category)
{
    char name[MAX_CATEGORY_BYTES];
    size_t whole = normalize_category(category, name);

    for (size_t len = 1; len <= whole; len++)
        if ((len == whole || name[len] == '-') && name_set_has(set, (struct view){name, len}))
            return true;
    return false;
}

bool blocks_hit(const struct blocks *blocks, const struct ad *ad)
{
    if (!blocks->any)
        return false;
    for (int i = 0; i < ad->domains.n; i++)
        if (domain_hit(&blocks->domains, ad->domains.items[i]))
            return true;
    for (int i = 0; i < ad->cat.n; i++)
        if (category_hit(&blocks->categories, ad->cat.items[i]))
            return true;
    return false;
}
