/* Tests of market/blocks.c. */
#include "market/blocks.h"

#include "base/buf.h"
#include "impression/domain.h"
#include "tests/test.h"

/* An ad's domain as a catalog keeps it. */
static struct view normalized(struct view written, char out[DOMAIN_MAX_BYTES])
{
    return (struct view){out, domain_normalize(written, out)};
}

TEST(blocks__hit_domains_and_categories)
{
    static const struct {
        const char *badv, *bcat, *domain, *cat;
        int want;
    } rows[] = {
        {NULL, NULL, "shop.example", "IAB7", 0},
        {"shop.example", NULL, "shop.example", NULL, 1},
        {"shop.example", NULL, "www.shop.example", NULL, 1},
        {"example", NULL, "a.b.shop.example", NULL, 1},
        {"SHOP.example", NULL, "Www.shop.EXAMPLE", NULL, 1},
        {"shop.example", NULL, "myshop.example", NULL, 0},
        {"www.shop.example", NULL, "shop.example", NULL, 1},
        {"shop.example.", NULL, "m.shop.example", NULL, 1},
        {" HTTP://Shop.EXAMPLE/ ", NULL, "https://www.shop.example./landing", NULL, 1},
        {"b\u00fccher.example", NULL, "m.xn--bcher-kva.example", NULL, 1},
        {"xn--bcher-kva.example", NULL, "WWW.B\u00dcCHER.example", NULL, 1},
        {"m.shop.example", NULL, "shop.example", NULL, 0},
        {NULL, " iab7\t", NULL, "IAB7-39", 1},
        {NULL, "IAB7", NULL, " iab7-39 ", 1},
        {NULL, " ", NULL, " ", 0},
        {"", NULL, "shop.example", NULL, 0},
        {"shop.example", NULL, NULL, NULL, 0},
        {NULL, "IAB7", NULL, "IAB7", 1},
        {NULL, "IAB7", NULL, "IAB7-39", 1},
        {NULL, "iab7", NULL, "IAB7-39", 1},
        {NULL, "IAB7", NULL, "IAB70", 0},
        {NULL, "IAB7-39", NULL, "IAB7", 0},
        {NULL, "IAB7-39", NULL, "IAB7-39", 1},
        {NULL, "IAB7-3", NULL, "IAB7-39", 0},
        {NULL, "", NULL, "IAB7", 0},
        {"IAB7", "shop.example", "shop.example", "IAB7", 0},
        {"x.example", "IAB7", "shop.example", "IAB7", 1},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct view badv = view_of(rows[i].badv), bcat = view_of(rows[i].bcat);
        char name[DOMAIN_MAX_BYTES];
        struct view domain = normalized(view_of(rows[i].domain), name), cat = view_of(rows[i].cat);
        struct impression_request request = {.badv = {&badv, rows[i].badv != NULL},
                                             .bcat = {&bcat, rows[i].bcat != NULL}};
        struct ad ad = {.domains = {&domain, rows[i].domain != NULL},
                        .cat = {&cat, rows[i].cat != NULL}};
        struct blocks blocks;
        struct arena arena;

        test_row("%s %s: %s %s", rows[i].badv ? rows[i].badv : "-",
                 rows[i].bcat ? rows[i].bcat : "-", rows[i].domain ? rows[i].domain : "-",
                 rows[i].cat ? rows[i].cat : "-");
        arena_init(&arena, 4096, 0);
        CHECK_INT(blocks_init(&blocks, &request, &arena), 0);
        CHECK_INT(blocks_hit(&blocks, &ad), rows[i].want);
        arena_release(&arena);
    }
}

TEST(blocks__any_of_several_names_counts)
{
    struct view badv[] = {VIEW_LIT("a.example"), VIEW_LIT("b.example"), VIEW_LIT("a.example")};
    struct view domains[] = {VIEW_LIT("c.example"), VIEW_LIT("x.b.example")};
    struct impression_request request = {.badv = {badv, 3}};
    struct ad ad = {.domains = {domains, 2}};
    struct blocks blocks;
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    CHECK_INT(blocks_init(&blocks, &request, &arena), 0);
    CHECK(blocks_hit(&blocks, &ad));
    ad.domains.n = 1;
    CHECK(!blocks_hit(&blocks, &ad));
}

TEST(blocks__ignore_names_that_are_too_long)
{
    char longest[400];
    struct view name = {longest, 300};
    struct impression_request request = {.badv = {&name, 1}, .bcat = {&name, 1}};
    struct ad ad = {.domains = {&name, 1}, .cat = {&name, 1}};
    struct blocks blocks;
    struct arena arena AT_END(arena_release);

    memset(longest, 'a', sizeof(longest));
    arena_init(&arena, 4096, 0);
    CHECK_INT(blocks_init(&blocks, &request, &arena), 0);
    CHECK(!blocks_hit(&blocks, &ad));
    name.len = DOMAIN_MAX_BYTES;
    CHECK_INT(blocks_init(&blocks, &request, &arena), 0);
    CHECK(blocks_hit(&blocks, &ad));
}

/* What a body of 256 KiB can make of it beside its own views. */
TEST(blocks__take_memory_in_proportion_to_the_list)
{
    static struct view names[8192];
    static char text[8192][32];
    struct impression_request request = {.badv = {names, 8192}};
    struct blocks blocks;
    struct arena arena;

    for (int kind = 0; kind < 3; kind++) {
        test_row("kind %d", kind);
        for (int i = 0; i < 8192; i++) {
            snprintf(text[i], sizeof(text[i]), kind == 2 ? "the-name-of-shop-%06d.example" : "%d",
                     kind ? i : 0);
            names[i] = view_of(text[i]);
        }
        arena_init(&arena, 32 << 10, 0);
        CHECK_INT(blocks_init(&blocks, &request, &arena), 0);
        CHECK(arena.held_bytes < (size_t)(kind == 2 ? 640 << 10 : 512 << 10));
        arena_release(&arena);
    }
}

TEST(name_set__holds_what_was_added)
{
    static char names[3000][8];
    struct name_set set;
    struct arena arena;

    arena_init(&arena, 4096, 0);
    CHECK_INT(name_set_init(&set, 3000, &arena), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(names[i], sizeof(names[i]), "n%d", i);
        CHECK(!name_set_has(&set, view_of(names[i])));
        CHECK(name_set_add(&set, view_of(names[i])));
        CHECK(!name_set_add(&set, view_of(names[i])));
    }
    for (int i = 0; i < 3000; i++)
        CHECK(name_set_has(&set, view_of(names[i])));
    CHECK(!name_set_has(&set, VIEW_LIT("n3000")));
    CHECK_INT(name_set_init(&set, 0, &arena), 0);
    CHECK(!name_set_has(&set, VIEW_LIT("")));
    CHECK(name_set_add(&set, (struct view){0}));
    CHECK(name_set_has(&set, VIEW_LIT("")));
    arena_release(&arena);
    arena_init(&arena, 4096, 64);
    CHECK_INT(name_set_init(&set, 3000, &arena), -1);
    arena_release(&arena);
}
