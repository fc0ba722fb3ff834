/* The two clocks. Pure files read neither: they are passed the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_us(void);  /* monotonic, for intervals and deadlines */
int64_t clock_wall_ms(void); /* unix time */

#endif
