/*
 * A layer under a program's files that can lose power, and disks that fail. Loaded with LD_PRELOAD.
 *
 * Losing power: before anything under one directory is changed, what was there before goes into a
 * journal; what a sync makes durable is noted there too. Whoever kills the program can then take
 * back everything that no fsync or fdatasync has covered (`tests/it/power/journal.rs` does that).
 * sync_file_range makes nothing durable. A file's name is durable once its directory was synced.
 *
 * Failing: a file in the directory of faults switches one on, from that moment until it is removed.
 *
 * It never knows what is stored. It sees what goes through the C library: a program that maps files
 * for writing is stopped, because this layer would be blind to that.
 *
 *   FORGETFUL_UNDER     the directory that is watched; without it nothing is
 *   FORGETFUL_JOURNAL   the journal; removed files are kept beside it in JOURNAL.kept
 *   FORGETFUL_WITHOUT   `fdatasync` or `fsync`: such a call does nothing, as if it were not there
 *   FORGETFUL_DIE_AT    the program is killed at this change or sync, counted from 1
 *   FORGETFUL_FAULTS    the directory of faults:
 *       full                       holds how many bytes may still be added; then ENOSPC
 *       fail-fsync, fail-fdatasync, fail-sync_file_range
 *                                  the next such call is EIO, once for each open file as on Linux,
 *                                  and what was not durable by then never will be
 *       fail-write, fail-read      EIO; if it holds a name, for the file of that name alone
 *       read-only, no-permission   EROFS or EACCES on whatever changes or opens for changing
 *     A fault that has struck leaves its name with `.struck` behind it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The next definition of a function, which is that of the C library. */
#define REAL(result, name, ...)                                  \
    static result (*real_##name)(__VA_ARGS__);                   \
    if (!real_##name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

enum { DESCRIPTORS = 1 << 16, INODES = 1 << 12, MAGIC = 0x7e9e7f17 };
enum { CONTENT = 1, SYNC, LOST, CREATE, REMOVE, RENAME, MAKE_DIRECTORY, REMOVE_DIRECTORY };
enum { UNKNOWN, IGNORED, WATCHED };

/* One record of the journal; `data_bytes` bytes follow. All numbers as the machine has them. */
struct record {
    uint32_t magic, kind;
    uint64_t inode;       /* whose content, or the directory whose names change */
    uint64_t second;      /* the other directory of a rename */
    uint64_t offset;      /* of the content; of a sync: everything before this place of the journal */
    uint64_t length;      /* of what is written */
    uint64_t size_before; /* of the file */
    uint64_t data_bytes;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char under[PATH_MAX], journal_path[PATH_MAX - 32], faults[PATH_MAX - 64], without[32];
static int journal = -1;
static uint64_t journal_bytes, events, die_at;
static int64_t room = -1;
static unsigned char watched[DESCRIPTORS];
/* How many failed syncs of its file an open file has heard of, and how many there were. */
static uint32_t heard[DESCRIPTORS];
static struct { uint64_t inode; uint32_t failures; } failed[INODES];

static void broken(const char *what)
{
    dprintf(2, "forgetful: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- the C library itself ---- */

static int raw_open(const char *path, int flags)
{
    REAL(int, open, const char *, int, ...);
    return real_open(path, flags | O_CLOEXEC, 0644);
}

static int raw_close(int fd)
{
    REAL(int, close, int);
    return real_close(fd);
}

static ssize_t raw_pread(int fd, void *to, size_t bytes, off_t offset)
{
    REAL(ssize_t, pread, int, void *, size_t, off_t);
    return real_pread(fd, to, bytes, offset);
}

static void setting(char *to, size_t room_for, const char *name)
{
    const char *value = getenv(name);
    if (!value) return;
    if (strlen(value) >= room_for) broken(name);
    strcpy(to, value);
}

__attribute__((constructor)) static void begin(void)
{
    char given[PATH_MAX] = "", number[32] = "", kept[PATH_MAX];
    setting(given, sizeof given, "FORGETFUL_UNDER");
    if (!given[0]) return;
    setting(journal_path, sizeof journal_path, "FORGETFUL_JOURNAL");
    setting(faults, sizeof faults, "FORGETFUL_FAULTS");
    setting(without, sizeof without, "FORGETFUL_WITHOUT");
    setting(number, sizeof number, "FORGETFUL_DIE_AT");
    die_at = strtoull(number, NULL, 10);
    if (!realpath(given, under)) broken(given);
    if (!journal_path[0]) return;
    journal = raw_open(journal_path, O_RDWR | O_CREAT | O_APPEND);
    if (journal < 0) broken(journal_path);
    journal_bytes = (uint64_t)lseek(journal, 0, SEEK_END);
    snprintf(kept, sizeof kept, "%s.kept", journal_path);
    REAL(int, mkdir, const char *, mode_t);
    if (real_mkdir(kept, 0755) && errno != EEXIST) broken(kept);
}

/* ---- what is watched ---- */

static int is_under(const char *path)
{
    size_t length = strlen(under);
    return length && !strncmp(path, under, length) && (!path[length] || path[length] == '/');
}

static int is_watched(int fd)
{
    if (!under[0] || fd < 0 || fd >= DESCRIPTORS) return 0;
    if (watched[fd] == UNKNOWN) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        path[length < 0 ? 0 : length] = 0;
        watched[fd] = is_under(path) ? WATCHED : IGNORED;
    }
    return watched[fd] == WATCHED;
}

/* The path with its directory resolved; whether it is watched. */
static int resolve(int directory, const char *path, char out[PATH_MAX])
{
    char whole[2 * PATH_MAX], above[PATH_MAX] = ".", link[64], real[PATH_MAX];
    if (!under[0] || !path || !path[0]) return 0;
    if (path[0] != '/' && directory != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, above, sizeof above - 1);
        above[length < 0 ? 0 : length] = 0;
    }
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else snprintf(whole, sizeof whole, "%s/%s", above, path);
    size_t end = strlen(whole);
    while (end > 1 && whole[end - 1] == '/') whole[--end] = 0;
    char *slash = strrchr(whole, '/');
    const char *name = slash ? slash + 1 : whole;
    char *parent = slash == whole ? "/" : whole;
    if (slash && slash != whole) *slash = 0;
    if (!realpath(parent, real)) return 0;
    return snprintf(out, PATH_MAX, "%s/%s", real, name) < PATH_MAX && is_under(out);
}

static uint64_t inode_above(const char *path)
{
    char above[PATH_MAX];
    struct stat status;
    strcpy(above, path);
    *strrchr(above, '/') = 0;
    return stat(above[0] ? above : "/", &status) ? 0 : status.st_ino;
}

/* ---- the journal ---- */

/* Every change and every sync is a moment at which the power may go. */
static void moment(void)
{
    if (++events == die_at) kill(getpid(), SIGKILL);
}

static void note(struct record record, const void *data)
{
    if (journal < 0) return;
    REAL(ssize_t, writev, int, const struct iovec *, int);
    record.magic = MAGIC;
    struct iovec parts[] = { { &record, sizeof record }, { (void *)data, record.data_bytes } };
    ssize_t whole = (ssize_t)(sizeof record + record.data_bytes);
    if (real_writev(journal, parts, record.data_bytes ? 2 : 1) != whole) broken("journal");
    journal_bytes += (uint64_t)whole;
}

/* Notes what a file has from `offset` on before that is replaced by `length` bytes or cut off. */
static void note_content(int fd, uint64_t offset, uint64_t length, int is_cut)
{
    struct stat status;
    char link[64];
    moment();
    if (fstat(fd, &status)) broken("fstat");
    uint64_t size = (uint64_t)status.st_size;
    uint64_t end = is_cut || offset + length > size ? size : offset + length;
    uint64_t old_bytes = offset < end ? end - offset : 0;
    char *old = malloc(old_bytes + 1);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reading = old_bytes ? raw_open(link, O_RDONLY) : -1;
    if (old_bytes && (reading < 0 || !old)) broken("reading what was there");
    for (uint64_t had = 0; had < old_bytes;) {
        ssize_t got = raw_pread(reading, old + had, old_bytes - had, (off_t)(offset + had));
        if (got <= 0) broken("reading what was there");
        had += (uint64_t)got;
    }
    if (reading >= 0) raw_close(reading);
    note((struct record){ .kind = CONTENT, .inode = status.st_ino, .offset = offset,
                          .length = length, .size_before = size, .data_bytes = old_bytes }, old);
    free(old);
}

/* Notes a change of names: up to two paths, and the place where a removed file is kept. */
static void note_names(int kind, const char *path, const char *to, const char *lost)
{
    char data[3 * PATH_MAX], kept[PATH_MAX] = "";
    moment();
    if (journal < 0) return;
    if (lost) {
        snprintf(kept, sizeof kept, "%s.kept/%llx", journal_path, (unsigned long long)journal_bytes);
        REAL(int, link, const char *, const char *);
        if (real_link(lost, kept)) kept[0] = 0;
    }
    int bytes = snprintf(data, sizeof data, "%s%c%s%c%s", path, 0, to ? to : "", 0, kept);
    note((struct record){ .kind = (uint32_t)kind, .inode = inode_above(path),
                          .second = inode_above(to ? to : path), .data_bytes = (uint64_t)bytes },
         data);
}

/* ---- faults ---- */

static int is_on(const char *fault, int fd)
{
    char path[PATH_MAX], only[NAME_MAX + 1] = "", link[64], target[PATH_MAX];
    if (!faults[0]) return 0;
    snprintf(path, sizeof path, "%s/%s", faults, fault);
    int file = raw_open(path, O_RDONLY);
    if (file < 0) return 0;
    ssize_t bytes = raw_pread(file, only, NAME_MAX, 0);
    raw_close(file);
    if (fd < 0 || bytes <= 0) return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    const char *name = strrchr(target, '/');
    return name && !strcmp(name + 1, only);
}

static int strike(const char *fault, int error)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.struck", faults, fault);
    raw_close(raw_open(path, O_WRONLY | O_CREAT));
    errno = error;
    return -1;
}

/* Whether names or files may be changed at all. */
static int refused(void)
{
    if (is_on("read-only", -1)) return strike("read-only", EROFS);
    if (is_on("no-permission", -1)) return strike("no-permission", EACCES);
    return 0;
}

/* How many of the bytes there is room for. */
static size_t fitting(int fd, uint64_t offset, size_t bytes)
{
    char path[PATH_MAX], text[32] = "";
    struct stat status;
    snprintf(path, sizeof path, "%s/full", faults);
    int file = faults[0] ? raw_open(path, O_RDONLY) : -1;
    if (file < 0) {
        room = -1;
        return bytes;
    }
    if (room < 0 && raw_pread(file, text, sizeof text - 1, 0) >= 0) room = atoll(text);
    raw_close(file);
    if (fstat(fd, &status)) return bytes;
    uint64_t size = (uint64_t)status.st_size, end = offset + bytes;
    uint64_t added = end > size ? end - (offset > size ? offset : size) : 0;
    uint64_t over = added > (uint64_t)room ? added - (uint64_t)room : 0;
    room -= (int64_t)(added - over);
    return bytes - (size_t)over;
}

static uint32_t *failures_of(uint64_t inode)
{
    for (int at = 0; at < INODES; at++) {
        if (!failed[at].inode) failed[at].inode = inode;
        if (failed[at].inode == inode) return &failed[at].failures;
    }
    broken("too many files");
    return NULL;
}

/* ---- opening and closing ---- */

static int open_watched(int directory, const char *path, int flags, mode_t mode)
{
    char resolved[PATH_MAX];
    struct stat status;
    REAL(int, openat, int, const char *, int, ...);
    if (!resolve(directory, path, resolved)) {
        int fd = real_openat(directory, path, flags, mode);
        if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = UNKNOWN;
        return fd;
    }
    int is_changing = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
    if (is_changing && refused()) return -1;
    pthread_mutex_lock(&turn);
    int is_there = !stat(resolved, &status);
    if (is_there && flags & O_TRUNC && status.st_size > 0) {
        int fd = raw_open(resolved, O_RDONLY);
        if (fd >= 0) note_content(fd, 0, 0, 1), raw_close(fd);
    }
    int fd = real_openat(directory, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS && !fstat(fd, &status)) {
        watched[fd] = WATCHED;
        heard[fd] = *failures_of(status.st_ino);
    }
    if (fd >= 0 && !is_there && flags & O_CREAT) {
        int error = errno;
        note_names(CREATE, resolved, NULL, NULL);
        errno = error;
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...)                   \
    {                                                            \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode_t mode = mode_of(flags, rest);                      \
        va_end(rest);                                            \
        return open_watched(AT_FDCWD, path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                             \
    int name(int directory, const char *path, int flags, ...)    \
    {                                                            \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode_t mode = mode_of(flags, rest);                      \
        va_end(rest);                                            \
        return open_watched(directory, path, flags, mode);       \
    }
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode)
{
    return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static void forget(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = UNKNOWN;
}

int close(int fd)
{
    forget(fd);
    return raw_close(fd);
}

int closedir(DIR *directory)
{
    REAL(int, closedir, DIR *);
    forget(dirfd(directory));
    return real_closedir(directory);
}

int dup2(int from, int to)
{
    REAL(int, dup2, int, int);
    forget(to);
    return real_dup2(from, to);
}

/* ---- reading and writing ---- */

#define FAILING_READ(fd) \
    if (is_watched(fd) && is_on("fail-read", fd)) return strike("fail-read", EIO)

ssize_t read(int fd, void *to, size_t bytes)
{
    REAL(ssize_t, read, int, void *, size_t);
    FAILING_READ(fd);
    return real_read(fd, to, bytes);
}

ssize_t pread(int fd, void *to, size_t bytes, off_t offset)
{
    FAILING_READ(fd);
    return raw_pread(fd, to, bytes, offset);
}

ssize_t pread64(int fd, void *to, size_t bytes, off64_t offset)
{
    return pread(fd, to, bytes, offset);
}

/* Writes at a place, or where the file stands (-1). */
static ssize_t write_watched(int fd, const void *from, size_t bytes, off_t offset)
{
    REAL(ssize_t, write, int, const void *, size_t);
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    if (is_on("fail-write", fd)) return strike("fail-write", EIO);
    pthread_mutex_lock(&turn);
    struct stat status;
    off_t place = offset;
    if (place < 0 && fcntl(fd, F_GETFL) & O_APPEND) place = fstat(fd, &status) ? 0 : status.st_size;
    else if (place < 0) place = lseek(fd, 0, SEEK_CUR);
    size_t fits = fitting(fd, (uint64_t)place, bytes);
    ssize_t written = 0;
    if (fits || !bytes) {
        note_content(fd, (uint64_t)place, fits, 0);
        written = offset < 0 ? real_write(fd, from, fits) : real_pwrite(fd, from, fits, offset);
    }
    pthread_mutex_unlock(&turn);
    return fits || !bytes ? written : strike("full", ENOSPC);
}

ssize_t write(int fd, const void *from, size_t bytes)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return is_watched(fd) ? write_watched(fd, from, bytes, -1) : real_write(fd, from, bytes);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return is_watched(fd) ? write_watched(fd, from, bytes, offset)
                          : real_pwrite(fd, from, bytes, offset);
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off64_t offset)
{
    return pwrite(fd, from, bytes, offset);
}

/* The first part alone: a caller has to cope with that. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    if (!is_watched(fd)) return real_writev(fd, parts, count);
    return count > 0 ? write_watched(fd, parts[0].iov_base, parts[0].iov_len, -1) : 0;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    if (!is_watched(fd)) return real_pwritev(fd, parts, count, offset);
    return count > 0 ? write_watched(fd, parts[0].iov_base, parts[0].iov_len, offset) : 0;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t size)
{
    REAL(int, ftruncate, int, off_t);
    if (!is_watched(fd)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&turn);
    note_content(fd, (uint64_t)size, 0, 1);
    int result = real_ftruncate(fd, size);
    pthread_mutex_unlock(&turn);
    return result;
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* Callers fall back to reading and writing, which this layer sees. */
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *to_at, size_t bytes, unsigned flags)
{
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    if (!is_watched(to)) return real_copy_file_range(from, at, to, to_at, bytes, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t bytes)
{
    REAL(ssize_t, sendfile, int, int, off_t *, size_t);
    if (!is_watched(to)) return real_sendfile(to, from, at, bytes);
    errno = EINVAL;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t bytes)
{
    return sendfile(to, from, at, bytes);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    REAL(int, fallocate, int, int, off_t, off_t);
    if (!is_watched(fd)) return real_fallocate(fd, mode, offset, length);
    errno = EOPNOTSUPP;
    return -1;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    return fallocate(fd, mode, offset, length);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    REAL(void *, mmap, void *, size_t, int, int, int, off_t);
    if (flags & MAP_SHARED && protection & PROT_WRITE && is_watched(fd)) broken("mapped for writing");
    return real_mmap(address, bytes, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
    return mmap(address, bytes, protection, flags, fd, offset);
}

/* ---- syncing ---- */

/* Whether this sync fails: because it is told to, or because another one of the file has. */
static int sync_fails(int fd, const char *fault, uint64_t inode)
{
    char path[PATH_MAX];
    uint32_t *failures = failures_of(inode);
    if (is_on(fault, fd)) {
        snprintf(path, sizeof path, "%s/%s", faults, fault);
        REAL(int, unlink, const char *);
        real_unlink(path);
        strike(fault, EIO);
        ++*failures;
        note((struct record){ .kind = LOST, .inode = inode, .offset = journal_bytes }, NULL);
    }
    int fails = heard[fd] != *failures;
    heard[fd] = *failures;
    return fails;
}

static int sync_watched(int fd, const char *name, const char *fault, int (*real)(int))
{
    struct stat status;
    if (!strcmp(without, name)) return 0;
    pthread_mutex_lock(&turn);
    moment();
    if (fstat(fd, &status)) broken("fstat");
    uint64_t before = journal_bytes;
    int fails = sync_fails(fd, fault, status.st_ino);
    pthread_mutex_unlock(&turn);
    if (fails) {
        errno = EIO;
        return -1;
    }
    if (real(fd)) return -1;
    pthread_mutex_lock(&turn);
    note((struct record){ .kind = SYNC, .inode = status.st_ino, .offset = before }, NULL);
    pthread_mutex_unlock(&turn);
    return 0;
}

int fsync(int fd)
{
    REAL(int, fsync, int);
    return is_watched(fd) ? sync_watched(fd, "fsync", "fail-fsync", real_fsync) : real_fsync(fd);
}

int fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return is_watched(fd) ? sync_watched(fd, "fdatasync", "fail-fdatasync", real_fdatasync)
                          : real_fdatasync(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags)
{
    struct stat status;
    REAL(int, sync_file_range, int, off64_t, off64_t, unsigned);
    if (!is_watched(fd) || fstat(fd, &status)) return real_sync_file_range(fd, offset, bytes, flags);
    pthread_mutex_lock(&turn);
    moment();
    int fails = sync_fails(fd, "fail-sync_file_range", status.st_ino);
    pthread_mutex_unlock(&turn);
    errno = EIO;
    return fails ? -1 : real_sync_file_range(fd, offset, bytes, flags);
}

/* ---- names ---- */

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    char old[PATH_MAX], new[PATH_MAX];
    struct stat status;
    REAL(int, renameat2, int, const char *, int, const char *, unsigned);
    int is_old = resolve(from_directory, from, old), is_new = resolve(to_directory, to, new);
    if (!is_old || !is_new) return real_renameat2(from_directory, from, to_directory, to, flags);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    int is_there = !lstat(old, &status), replaces = !lstat(new, &status);
    if (is_there) note_names(RENAME, old, new, replaces ? new : NULL);
    int result = real_renameat2(from_directory, from, to_directory, to, flags);
    pthread_mutex_unlock(&turn);
    return result;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return renameat2(from_directory, from, to_directory, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int directory, const char *path, int flags)
{
    char resolved[PATH_MAX];
    struct stat status;
    REAL(int, unlinkat, int, const char *, int);
    if (!resolve(directory, path, resolved)) return real_unlinkat(directory, path, flags);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    if (!lstat(resolved, &status) && !!(flags & AT_REMOVEDIR) == !!S_ISDIR(status.st_mode)) {
        if (flags & AT_REMOVEDIR) note_names(REMOVE_DIRECTORY, resolved, NULL, NULL);
        else note_names(REMOVE, resolved, NULL, resolved);
    }
    int result = real_unlinkat(directory, path, flags);
    pthread_mutex_unlock(&turn);
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    char resolved[PATH_MAX];
    REAL(int, mkdirat, int, const char *, mode_t);
    if (!resolve(directory, path, resolved)) return real_mkdirat(directory, path, mode);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    int result = real_mkdirat(directory, path, mode);
    if (!result) note_names(MAKE_DIRECTORY, resolved, NULL, NULL);
    pthread_mutex_unlock(&turn);
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int link(const char *from, const char *to)
{
    char resolved[PATH_MAX];
    REAL(int, link, const char *, const char *);
    if (!resolve(AT_FDCWD, to, resolved)) return real_link(from, to);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    int result = real_link(from, to);
    if (!result) note_names(CREATE, resolved, NULL, NULL);
    pthread_mutex_unlock(&turn);
    return result;
}
