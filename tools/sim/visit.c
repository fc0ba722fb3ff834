/* Local time of a visit. */
#include "tools/sim/visit.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static int64_t local_ms(const struct sim_visit *visit)
{
    return visit->now_ms + visit->shopper.place->utcoffset_min * INT64_C(60000);
}

int sim_visit_hour(const struct sim_visit *visit)
{
    return (int)(local_ms(visit) / HOUR_MS % 24);
}

int sim_visit_weekday(const struct sim_visit *visit)
{
    return (int)((local_ms(visit) / DAY_MS + 4) % 7); /* 1 January 1970 was a Thursday */
}

void sim_visit_release(struct sim_visit *visit)
{
    sim_shopper_release(&visit->shopper);
    buf_release(&visit->search_words);
}
