/* The user the program believes it runs as. */
#include <unistd.h>

#include "tests/fault/interpose.h"

REPLACES(geteuid);

uid_t OURS(geteuid)(void)
{
    int64_t euid_plus_1 =
        atomic_load_explicit(&fault_board_here()->euid_plus_1, memory_order_relaxed);

    return euid_plus_1 ? (uid_t)(euid_plus_1 - 1) : REAL(geteuid)();
}
