/* Shifts what a process sees of the machine's clock by the milliseconds that a file holds: the file
 * is read at every look, so that the clock can be set while the process runs. Monotonic time is left
 * alone, as it is when somebody sets a real clock. Knows nothing of the program that it is put under.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long shift_ms(void) {
    const char *path = getenv("SHIFT_CLOCK_FILE");
    char text[32] = {0};
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) abort();
    if (read(file, text, sizeof text - 1) <= 0) abort();
    close(file);
    return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || clock != CLOCK_REALTIME) return failed;
    long long shift = shift_ms();
    long long nanoseconds = now->tv_nsec + shift % 1000 * 1000000;
    now->tv_sec += shift / 1000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
    now->tv_nsec = (nanoseconds + 1000000000) % 1000000000;
    return 0;
}
