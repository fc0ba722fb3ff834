/* Finds backends and opens their modules. */
#include "kernels/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODULE_SYMBOL "adrank_backend"
#define CUDA_MODULE "libadrank-cuda.so"

/* Folder of the running program, without a trailing slash; "." if unknown. */
static void program_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(out, size, ".");
}

/* Advice for a library that a module needs and the linker did not find. */
static const char *library_advice(const char *library)
{
    if (strncmp(library, "libcuda.", 8) == 0)
        return "no NVIDIA driver: install one, or choose the backend cpu";
    if (strncmp(library, "libcublas", 9) == 0 || strncmp(library, "libcudart", 9) == 0)
        return "install it from the CUDA toolkit's runtime packages and run ldconfig";
    return "install the package that has it";
}

/* Rewrites the linker's message. The two glibc texts matched here are old and stable; others are
 * passed on unchanged. */
static int explain(const char *path, const char *said, struct err *err)
{
    const char *missing = strstr(said, ": cannot open shared object file");
    size_t len = missing ? (size_t)(missing - said) : 0;
    char library[256];

    if (missing && len < sizeof(library)) {
        memcpy(library, said, len);
        library[len] = '\0';
        if (strcmp(library, path) == 0)
            return err_set(err, ERR_UNAVAILABLE, "%s: no such module", path);
        return err_set(err, ERR_UNAVAILABLE, "%s: %s not found: %s", path, library,
                       library_advice(library));
    }
    if (strstr(said, "invalid ELF header") || strstr(said, "file too short") ||
        strstr(said, "wrong ELF class") || strstr(said, "cannot read file data"))
        return err_set(err, ERR_DATA, "%s: not a module: %s", path, said);
    return err_set(err, ERR_UNAVAILABLE, "%s: %s", path, said);
}

static int module_open(const char *path, const struct backend_ops **out, struct err *err)
{
    const struct backend_module *module;
    void *handle;

    if (access(path, R_OK) != 0)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s: no such module", path);
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return explain(path, dlerror(), err);
    module = dlsym(handle, MODULE_SYMBOL);
    if (!module)
        err_set(err, ERR_DATA, "%s: not a backend: it has no symbol " MODULE_SYMBOL, path);
    else if (module->abi != BACKEND_ABI)
        err_set(err, ERR_DATA,
                "%s: built for backend interface %d, this program has %d: rebuild it", path,
                module->abi, BACKEND_ABI);
    else if (!module->ops)
        err_set(err, ERR_DATA, "%s: a backend without operations", path);
    else {
        *out = module->ops;
        return 0;
    }
    dlclose(handle);
    return -1;
}

static int cuda_find(const struct backend_ops **out, struct err *err)
{
    /* Installed; in a build tree; beside the program. */
    static const char *const places[] = {"../lib/adrank/" CUDA_MODULE, "../lib/" CUDA_MODULE,
                                         CUDA_MODULE};
    char folder[PATH_MAX], path[PATH_MAX + 64];

    program_folder(folder, sizeof(folder));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, places[i]);
        if (access(path, F_OK) == 0)
            return module_open(path, out, err);
    }
    return err_set(
        err, ERR_UNAVAILABLE,
        "cuda: no %s in %s/../lib/adrank: this build has no CUDA backend; build it where the "
        "CUDA toolkit is installed, or choose the backend cpu",
        CUDA_MODULE, folder);
}

int backend_find(const char *name, const struct backend_ops **out, struct err *err)
{
    if (strcmp(name, "cpu") == 0) {
        *out = &backend_cpu;
        return 0;
    }
    if (strcmp(name, "cuda") == 0)
        return cuda_find(out, err);
    if (strchr(name, '/'))
        return module_open(name, out, err);
    return err_set(err, ERR_UNAVAILABLE, "backend \"%s\" is unknown: cpu, cuda or a module's path",
                   name);
}
