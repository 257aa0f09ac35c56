/* Moves the wall clock of a program that loads this first, by the seconds that the file named in SHIFTED_CLOCK holds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none = 0, *seconds = &none;
static int (*true_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SHIFTED_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *shared = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
  if (shared != MAP_FAILED) seconds = shared;
  if (file >= 0) close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (!true_clock) *(void **)&true_clock = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = true_clock(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *seconds;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec found;
  int failed = clock_gettime(CLOCK_REALTIME, &found);
  (void)zone;
  if (!failed) now->tv_sec = found.tv_sec, now->tv_usec = found.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *kept) {
  struct timespec found;
  clock_gettime(CLOCK_REALTIME, &found);
  if (kept) *kept = found.tv_sec;
  return found.tv_sec;
}
