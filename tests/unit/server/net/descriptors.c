/* Tests of server/net/descriptors.c. */
#include "server/net/descriptors.h"

#include "tests/test.h"

static struct descriptors share(int64_t limit, int64_t wanted, int64_t workers)
{
    return descriptors_share(limit,
                             &(struct http_options){.max_connections = wanted, .workers = workers});
}

/* Every use gets some, public connections get the rest, and the sum never exceeds the limit. */
TEST(descriptors__leaves_some_for_everybody)
{
    static const int64_t limits[] = {64, 100, 256, 512, 1024, 4096, 65536, 1048576, INT64_MAX};
    static const int64_t wanted[] = {1, 100, 10000, 1000000};

    for (int i = 0; i < COUNT(limits); i++)
        for (int k = 0; k < COUNT(wanted); k++) {
            struct descriptors d = share(limits[i], wanted[k], 2);

            test_row("descriptors %lld %lld", (long long)limits[i], (long long)wanted[k]);
            CHECK(d.connections >= 1 && d.connections <= wanted[k]);
            CHECK(d.admin >= 4 && d.admin_refusing >= 1 && d.refusing >= 2);
            CHECK(d.connections + d.others <= limits[i] || d.connections == 1);
            CHECK(d.others < limits[i]);
            if (d.connections < wanted[k]) /* then none is left */
                CHECK_INT(d.connections + d.others, limits[i]);
        }
}

TEST(descriptors__serves_what_is_wanted_where_it_can)
{
    CHECK_INT(share(65536, 10000, 64).connections, 10000);
    CHECK_INT(share(INT64_MAX, 1000000, 1).connections, 1000000);
    CHECK_INT(share(512, 100, 1).connections, 100);
    CHECK(share(512, 1000, 1).connections > 300);
    CHECK(share(64, 10000, 1).connections >= 10);
    CHECK_INT(share(10, 10000, 1).connections, 1);
    CHECK_INT(share(65536, 16, 1).refusing, 1024);
    CHECK(descriptors_limit() > 0);
}
