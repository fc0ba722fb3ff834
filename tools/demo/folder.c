/* Makes the folder of a run, and removes those of dead runs. */
#include "tools/demo/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "run-"

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder contains only files. */
static void remove_all(const char *path)
{
    const struct dirent *entry;
    char file[3600];
    DIR *dir = opendir(path);

    while (dir && (entry = readdir(dir))) {
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        unlink(file);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

/* The lock of a run is released when it ends, however it ends. */
static void remove_stale(const char *parent)
{
    const struct dirent *entry;
    char path[3600];
    DIR *dir = opendir(parent);

    while (dir && (entry = readdir(dir))) {
        int fd;

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
        fd = open_folder(path);
        if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_all(path);
        if (fd != -1)
            close(fd);
    }
    if (dir)
        closedir(dir);
}

int folder_make(struct folder *folder, const char *parent, struct err *err)
{
    int lock, rc = -1;

    folder->fd = -1;
    folder->path[0] = '\0';
    if (mkdir(parent, 0700) == -1 && errno != EEXIST)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", parent);
    lock = open_folder(parent); /* no run starts while another looks for stale folders */
    if (lock == -1 || flock(lock, LOCK_EX) == -1) {
        err_set_errno(err, ERR_UNAVAILABLE, "%s", parent);
        goto out;
    }
    remove_stale(parent);
    snprintf(folder->path, sizeof(folder->path), "%s/" PREFIX "XXXXXX", parent);
    if (!mkdtemp(folder->path)) {
        err_set_errno(err, ERR_UNAVAILABLE, "%s", folder->path);
        folder->path[0] = '\0';
        goto out;
    }
    folder->fd = open_folder(folder->path);
    if (folder->fd == -1 || flock(folder->fd, LOCK_EX) == -1) {
        err_set_errno(err, ERR_UNAVAILABLE, "%s", folder->path);
        goto out;
    }
    rc = 0;
out:
    if (lock != -1)
        close(lock);
    return rc;
}

void folder_keep(struct folder *folder)
{
    if (folder->fd != -1)
        close(folder->fd);
    folder->fd = -1;
    folder->path[0] = '\0';
}

void folder_remove(struct folder *folder)
{
    if (folder->path[0])
        remove_all(folder->path);
    folder_keep(folder);
}
