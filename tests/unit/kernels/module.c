/* Tests of kernels/module.c. */
#include "kernels/module.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static struct err err;

TEST(module__cpu_is_linked_in)
{
    const struct backend_ops *ops = NULL;

    CHECK_OK(backend_find("cpu", &ops, &err), err);
    CHECK(ops == &backend_cpu);
}

/* Every slot is filled: nobody tests for NULL. */
static void check_filled(const struct backend_ops *ops)
{
    void *const *slots = (void *const *)(const void *)ops;

    for (size_t i = 0; i < sizeof(*ops) / sizeof(*slots); i++)
        if (!slots[i])
            FAIL("%s: slot %zu is empty", ops->name, i);
}

TEST(module__opens_the_test_devices)
{
    static const char *const names[] = {"null", "paced", "failing", "queue"};
    const struct backend_ops *ops, *again;
    char path[512];

    check_filled(&backend_cpu);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), MODULES "/adrank-backend-%s.so", names[i]);
        CHECK_OK(backend_find(path, &ops, &err), err);
        CHECK_STR(ops->name, names[i]);
        check_filled(ops);
        CHECK_OK(backend_find(path, &again, &err), err);
        CHECK(again == ops);
    }
}

static void check_refused(const char *name, enum err_code code, const char *why)
{
    const struct backend_ops *ops = NULL;

    test_row("%s", name);
    CHECK_ERR(backend_find(name, &ops, &err), err, why);
    CHECK_INT(err.code, code);
    CHECK(ops == NULL);
}

TEST(module__explains_why_a_backend_is_unavailable)
{
    check_refused("gpu", ERR_UNAVAILABLE,
                  "backend \"gpu\" is unknown: cpu, cuda or a module's path");
    check_refused("", ERR_UNAVAILABLE, "unknown");
    check_refused("/nowhere/module.so", ERR_UNAVAILABLE, "/nowhere/module.so: no such module");
    check_refused("/", ERR_DATA, "/: ");
    check_refused(MODULES "/refused/wrong_abi.so", ERR_DATA, "rebuild it");
    check_refused(MODULES "/refused/no_operations.so", ERR_DATA, "without operations");
    check_refused(MODULES "/refused/no_symbol.so", ERR_DATA, "no symbol adrank_backend");
    check_refused(
        MODULES "/refused/needs_cublasLt.so", ERR_UNAVAILABLE,
        "libcublasLt.so.999 not found: install it from the CUDA toolkit's runtime packages");
    check_refused(MODULES "/refused/needs_cuda.so", ERR_UNAVAILABLE,
                  "libcuda.so.999 not found: no NVIDIA driver");
}

TEST(module__refuses_a_file_that_is_not_a_module)
{
    char path[] = "/tmp/adrank-module-XXXXXX";
    const int fd = mkstemp(path);

    CHECK(fd != -1);
    close(fd);
    CHECK_OK(
        file_write(path,
                   view_of("not a module at all, but long enough to be looked into, byte by byte"),
                   &err),
        err);
    check_refused(path, ERR_DATA, "not a module");
    CHECK_OK(file_write(path, view_of("short"), &err), err);
    check_refused(path, ERR_DATA, "not a module");
    unlink(path);
}

/* This tree builds no CUDA module; where one is built the message would be about the device
 * instead. */
TEST(module__advises_where_cuda_is_not_built)
{
    const struct backend_ops *ops;

    if (backend_find("cuda", &ops, &err) == 0)
        return;
    CHECK_INT(err.code, ERR_UNAVAILABLE);
    CHECK(strstr(err.text, "cuda") != NULL);
    CHECK(strstr(err.text, "choose the backend cpu") != NULL ||
          strstr(err.text, "install") != NULL);
}
