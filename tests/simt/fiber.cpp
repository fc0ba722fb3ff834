/* Fibers on mmapped stacks; the switch is a few instructions where the architecture is known. */
#include "tests/simt/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#define UCONTEXT
#endif

#define STACK_BYTES ((size_t)256 << 10) /* touched pages only count; ASan's frames are large */

extern "C" {
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void *__tsan_get_current_fiber(void) __attribute__((weak));
void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));
/* under names of our own: the compiler has ideas about these two */
void tsan_read_range(void *address, unsigned long size) asm("__tsan_read_range")
    __attribute__((weak));
void tsan_write_range(void *address, unsigned long size) asm("__tsan_write_range")
    __attribute__((weak));
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size)
    __attribute__((weak));
}

#define NO_ORDER 1u /* a switch that does not synchronise: __tsan_switch_to_fiber's flag */

struct fiber {
#ifdef UCONTEXT
    ucontext_t place;
#else
    void *place; /* stack pointer */
#endif
    const void *bottom;
    size_t size;
    void *fake_stack, *tsan;
    void (*run)(void *);
    void *argument;
};

/* One thread at a time switches: the emulator sees to that. */
static struct fiber *current, *previous;

/* Saves the callee-saved registers on the own stack and takes them from the other one. */
#if defined(__x86_64__)
extern "C" void simt_switch_stacks(void **save, void *to);
asm(".text\n"
    ".type simt_switch_stacks, @function\n"
    "simt_switch_stacks:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
    "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n"
    "    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size simt_switch_stacks, . - simt_switch_stacks\n");
#define SAVED_WORDS 6
#define RETURN_WORD 6
#define FRAME_WORDS 8 /* the stack is 16-byte-aligned before the entry's return address */
#elif defined(__aarch64__)
extern "C" void simt_switch_stacks(void **save, void *to);
asm(".text\n"
    ".type simt_switch_stacks, %function\n"
    "simt_switch_stacks:\n"
    "    sub sp, sp, #160\n"
    "    stp x19, x20, [sp, #0]\n    stp x21, x22, [sp, #16]\n    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n   stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n     stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
    "    ldp x19, x20, [sp, #0]\n    ldp x21, x22, [sp, #16]\n    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n   ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n     ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #160\n"
    "    ret\n"
    ".size simt_switch_stacks, . - simt_switch_stacks\n");
#define RETURN_WORD 11 /* x30 */
#define FRAME_WORDS 20
#endif

/* ASan learns of a thread's own stack, which nothing announced, when it is left. */
static void landed(void *fake_stack)
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(fake_stack, &previous->bottom, &previous->size);
}

static void entry()
{
    struct fiber *self = current;

    landed(NULL);
    self->run(self->argument);
    abort();
}

struct fiber *fiber_of_thread()
{
    static thread_local struct fiber own;

    if (__tsan_get_current_fiber)
        own.tsan = __tsan_get_current_fiber();
    current = &own;
    return &own;
}

struct fiber *fiber_new(void (*run)(void *), void *argument)
{
    struct fiber *self = (struct fiber *)calloc(1, sizeof(*self));
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = (char *)mmap(NULL, guard + STACK_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!self || memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) {
        perror("simt: no memory for a stack");
        abort();
    }
    self->bottom = memory + guard;
    self->size = STACK_BYTES;
    self->run = run;
    self->argument = argument;
    if (__tsan_create_fiber)
        self->tsan = __tsan_create_fiber(0);
#ifdef UCONTEXT
    getcontext(&self->place);
    self->place.uc_stack.ss_sp = memory + guard;
    self->place.uc_stack.ss_size = STACK_BYTES;
    makecontext(&self->place, entry, 0);
#else
    void **frame = (void **)(memory + guard + STACK_BYTES) - FRAME_WORDS;
    frame[RETURN_WORD] = (void *)entry;
    self->place = frame;
#endif
    return self;
}

void fiber_switch(struct fiber *to)
{
    struct fiber *from = current;

    if (to == from)
        return;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
    if (__tsan_switch_to_fiber)
        __tsan_switch_to_fiber(to->tsan, NO_ORDER);
    previous = from;
    current = to;
#ifdef UCONTEXT
    swapcontext(&from->place, &to->place);
#else
    simt_switch_stacks(&from->place, to->place);
#endif
    landed(from->fake_stack);
}

void fiber_release(void *address)
{
    if (__tsan_release)
        __tsan_release(address);
}

void fiber_acquire(void *address)
{
    if (__tsan_acquire)
        __tsan_acquire(address);
}

void fiber_note_read(const void *address, size_t bytes)
{
    if (tsan_read_range)
        tsan_read_range(const_cast<void *>(address), bytes);
}

void fiber_note_write(void *address, size_t bytes)
{
    if (tsan_write_range)
        tsan_write_range(address, bytes);
}
