/* Shell commands and temporary folders. */
#include "tests/e2e/shell.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

static char folders[16][32];
static int n_folders;
static pid_t owner;

int shell(struct buf *out, const char *fmt, ...)
{
    static struct buf dropped;
    char command[16384];
    va_list args;
    FILE *pipe;
    int status;

    va_start(args, fmt);
    CHECK(vsnprintf(command, sizeof(command), fmt, args) < (int)sizeof(command));
    va_end(args);
    out = out ? out : &dropped;
    buf_clear(out);
    pipe = popen(command, "re");
    CHECK(pipe);
    for (size_t n = 1; n > 0; out->len += n) {
        char *room = buf_reserve(out, 65536);

        CHECK(room);
        n = fread(room, 1, 65536, pipe);
    }
    status = pclose(pipe);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

const char *shell_folder(void)
{
    char *folder = folders[n_folders];

    CHECK(n_folders < COUNT(folders));
    strcpy(folder, "/tmp/adrank-test-XXXXXX");
    CHECK(mkdtemp(folder));
    owner = getpid();
    n_folders++;
    return folder;
}

__attribute__((destructor)) static void remove_folders(void)
{
    while (owner == getpid() && n_folders)
        shell(NULL, "rm -r '%s'", folders[--n_folders]);
}
