/* Tries a port, and finds the process that holds it. */
#include "tools/demo/port.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENING 10 /* TCP_LISTEN in /proc/net/tcp */

/* As adrankd would. */
static int try_to_listen(int port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc, error;

    if (fd == -1)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    rc = bind(fd, (const struct sockaddr *)&at, sizeof(at));
    if (rc == 0)
        rc = listen(fd, 1);
    error = errno;
    close(fd);
    errno = error;
    return rc;
}

/* Inode of the socket that listens on the port, at any address; 0: none. */
static unsigned long inode_in(const char *table, int port)
{
    FILE *file = fopen(table, "re");
    unsigned long inode, found = 0;
    unsigned local_port, state;
    char line[512];

    if (!file)
        return 0;
    while (!found && fgets(line, sizeof(line), file))
        if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*d %lu",
                   &local_port, &state, &inode) == 3 &&
            state == LISTENING && local_port == (unsigned)port)
            found = inode;
    fclose(file);
    return found;
}

static bool holds(const char *pid, const char *socket)
{
    char path[320], target[64];
    const struct dirent *entry;
    bool found = false;
    DIR *fds;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    fds = opendir(path);
    while (fds && !found && (entry = readdir(fds))) {
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%.20s/fd/%.200s", pid, entry->d_name);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, socket) == 0;
    }
    if (fds)
        closedir(fds);
    return found;
}

/* "adrankd (process 123)". Only root sees the descriptors of other users' processes. */
static void find_holder(int port, char *out, size_t size)
{
    unsigned long inode = inode_in("/proc/net/tcp", port);
    char socket[64], path[64], name[32] = "";
    const struct dirent *entry;
    DIR *proc;

    if (!inode)
        inode = inode_in("/proc/net/tcp6", port);
    snprintf(out, size, "another program");
    snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
    proc = inode ? opendir("/proc") : NULL;
    while (proc && (entry = readdir(proc))) {
        FILE *file;

        if (atoi(entry->d_name) <= 0 || !holds(entry->d_name, socket))
            continue;
        snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
        file = fopen(path, "re");
        if (file && fgets(name, sizeof(name), file))
            name[strcspn(name, "\n")] = '\0';
        if (file)
            fclose(file);
        snprintf(out, size, "%s (process %.20s)", name[0] ? name : "a program", entry->d_name);
        break;
    }
    if (proc)
        closedir(proc);
}

int port_check(int port, struct err *err)
{
    char holder[80];

    if (try_to_listen(port) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return err_set_errno(err, ERR_UNAVAILABLE, "127.0.0.1:%d", port);
    find_holder(port, holder, sizeof(holder));
    return err_set(err, ERR_UNAVAILABLE, "port %d is taken by %s; --port chooses another", port,
                   holder);
}
