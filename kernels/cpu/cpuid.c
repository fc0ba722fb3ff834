/* Reads instruction sets and the processor's name from CPUID. */
#define _GNU_SOURCE
#include "kernels/cpu/cpuid.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Intel SDM 1, 14.3 and 15.2: the system saves the registers when XCR0 has their bits. */
#define XCR0_AVX 0x06U
#define XCR0_AVX512 0xe6U
#define XCR0_AMX 0x60000U

static uint32_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static void detect_name(struct cpuid *cpu)
{
    uint32_t brand[12];
    char text[sizeof(brand) + 1];
    char *start = text, *end;

    if ((uint32_t)__get_cpuid_max(0x80000000U, NULL) < 0x80000004U)
        return;
    for (uint32_t i = 0; i < 3; i++)
        __cpuid(0x80000002U + i, brand[4 * i], brand[4 * i + 1], brand[4 * i + 2],
                brand[4 * i + 3]);
    memcpy(text, brand, sizeof(brand));
    text[sizeof(brand)] = '\0';
    while (*start == ' ')
        start++;
    end = strchr(start, '\0');
    while (end > start && end[-1] == ' ')
        *--end = '\0';
    if (*start)
        snprintf(cpu->name, sizeof(cpu->name), "%s", start);
}

static void detect_isa(struct cpuid *cpu)
{
    uint32_t a, b, c, d, seven_a, seven_b, seven_c, seven_d, xcr0;
    bool amx_bf16;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE | bit_AVX | bit_FMA))
        return;
    if (!__get_cpuid_count(7, 0, &seven_a, &seven_b, &seven_c, &seven_d))
        return;
    xcr0 = read_xcr0();
    cpu->avx2 = has(xcr0, XCR0_AVX) && has(seven_b, bit_AVX2);
    cpu->avx512 = cpu->avx2 && has(xcr0, XCR0_AVX512) &&
                  has(seven_b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
    amx_bf16 = has(xcr0, XCR0_AMX) && has(seven_d, 1U << 22 | 1U << 24);
    cpu->isa = cpu->avx512 ? "AVX-512" : cpu->avx2 ? "AVX2" : cpu->isa;
    if (cpu->avx512 && seven_a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
        cpu->bf16_products = has(a, 1U << 5) || amx_bf16;
}

static void detect(struct cpuid *cpu)
{
    cpu->isa = "SSE2";
    detect_name(cpu);
    detect_isa(cpu);
}
#else
static void detect(struct cpuid *cpu)
{
#if defined(__aarch64__)
    cpu->isa = "NEON";
    snprintf(cpu->name, sizeof(cpu->name), "Arm 64");
#else
    cpu->isa = "generic";
#endif
}
#endif

void cpuid_detect(struct cpuid *cpu)
{
    cpu_set_t set;

    *cpu = (struct cpuid){.name = "unknown", .cores = 1};
    detect(cpu);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cpu->cores = CPU_COUNT(&set);
}
