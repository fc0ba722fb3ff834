/* Asks callgrind_control for the counters of a running process. */
#include "bench/compare/callgrind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool callgrind_present(void)
{
    return system("command -v callgrind_control >/dev/null") == 0;
}

/* The digits of "   Th 3   14,907,104" after the thread's number. */
static double count_of(const char *line)
{
    double value = 0;
    const char *at = line + strlen("   Th ");

    while (*at >= '0' && *at <= '9')
        at++;
    for (; *at; at++)
        if (*at >= '0' && *at <= '9')
            value = value * 10 + (*at - '0');
    return value;
}

double callgrind_executed(pid_t pid)
{
    char command[64], line[4096];
    double sum = 0;
    int n = 0;
    FILE *out;

    snprintf(command, sizeof(command), "callgrind_control -e %d 2>/dev/null", (int)pid);
    out = popen(command, "r");
    while (out && fgets(line, sizeof(line), out))
        if (strncmp(line, "   Th ", 6) == 0) {
            sum += count_of(line);
            n++;
        }
    return !out || pclose(out) || n == 0 ? -1 : sum;
}
