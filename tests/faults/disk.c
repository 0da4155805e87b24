/* A faulty disk and clock for one process, loaded with LD_PRELOAD.
 *
 * Calls on files below a root folder can fail, do half of their work, be slow or end the process,
 * as a control file demands that is mapped into memory. A journal receives what was written, synced
 * and renamed, from which the folder is rebuilt as a power cut would leave it (disk_journal.py).
 * The layouts of both are in faulty_disk.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, NAME = 8, TRUNCATE = 16 };
enum { KILL_BEFORE = -1, KILL_AFTER = -2, SHORT = -3, SHORT_KILL = -4, LIE = -5 };
enum { DESCRIPTORS = 65536, CONTROL_BYTES = 4096 };

struct control {
  int64_t clock_offset_ns;
  uint32_t delay_us, delayed, struck; /* calls that are slow, and calls that the fault strikes */
  int32_t fault;                      /* an errno, or one of the above; 0 for none */
  int64_t after, times, seen, hits;   /* calls before the first struck one; struck calls */
  char part[64];                      /* of the paths of struck calls */
};

struct record {
  uint32_t kind, path_bytes, other_bytes, data_bytes;
  uint64_t inode;
  int64_t offset;
};

static struct control *control;
static char root[PATH_MAX];
static size_t root_bytes;
static int journal = -1;
static unsigned char watched[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))
#define DECLARED(name) static void *real_##name

static void *real(void **cached, const char *name) {
  if (!*cached) *cached = dlsym(RTLD_NEXT, name);
  return *cached;
}

/* Begin to watch the files below a folder; a journal or a control file may be missing (""). */
void disk_begin(const char *folder, const char *control_path, const char *journal_path) {
  if (!realpath(folder, root)) abort();
  root_bytes = strlen(root);
  if (*control_path) {
    int file = syscall(SYS_openat, AT_FDCWD, control_path, O_RDWR | O_CLOEXEC, 0);
    control = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || control == MAP_FAILED) abort();
  }
  if (*journal_path) {
    journal = syscall(SYS_openat, AT_FDCWD, journal_path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (journal < 0) abort();
  }
}

__attribute__((constructor)) static void begin_by_environment(void) {
  const char *folder = getenv("FAULTY_DISK");
  const char *controls = getenv("FAULTY_DISK_CONTROL"), *writes = getenv("FAULTY_DISK_JOURNAL");
  if (folder && *folder) disk_begin(folder, controls ? controls : "", writes ? writes : "");
}

/* The absolute path of a name, in `path`; whether it is below the root. */
static int is_below(int folder, const char *name, char *path) {
  if (!root_bytes) return 0;
  path[0] = 0;
  if (*name != '/') {
    char link[64] = "/proc/self/cwd";
    if (folder != AT_FDCWD) {
      char digits[16], *end = digits + sizeof digits;
      *--end = 0;
      do *--end = '0' + folder % 10; while (folder /= 10);
      strcpy(link, "/proc/self/fd/");
      strcat(link, end);
    }
    ssize_t size = readlink(link, path, PATH_MAX - 2);
    if (size < 0) return 0;
    path[size] = '/', path[size + 1] = 0;
  }
  if (strlen(path) + strlen(name) >= PATH_MAX) return 0;
  strcat(path, name);
  return !strncmp(path, root, root_bytes) && (path[root_bytes] == '/' || !path[root_bytes]);
}

static int path_of(int file, char *path) {
  char name[1] = "";
  if (file < 0 || file >= DESCRIPTORS || !watched[file]) return 0;
  int found = is_below(file, name, path);
  size_t size = strlen(path);
  if (size && path[size - 1] == '/') path[size - 1] = 0;
  return found;
}

/* The fault of this call, 0 for none. */
static int strike(uint32_t call, const char *path) {
  if (!control) return 0;
  if (control->delayed & call && control->delay_us) {
    struct timespec pause = {control->delay_us / 1000000, control->delay_us % 1000000 * 1000L};
    nanosleep(&pause, NULL);
  }
  if (!control->fault || !(control->struck & call) || !strstr(path, control->part)) return 0;
  int64_t number = __atomic_fetch_add(&control->seen, 1, __ATOMIC_SEQ_CST);
  if (number < control->after || number - control->after >= control->times) return 0;
  __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
  if (control->fault == KILL_BEFORE) kill(getpid(), SIGKILL);
  return control->fault;
}

static void finish(int fault) {
  int error = errno;
  if (fault == KILL_AFTER || fault == SHORT_KILL) kill(getpid(), SIGKILL);
  errno = error;
}

static void note_data(char kind, uint64_t inode, int64_t offset, const char *path,
                      const char *other, const struct iovec *data, size_t size) {
  if (journal < 0) return;
  int error = errno, parts = 3;
  struct iovec all[16];
  struct record head = {kind, strlen(path), strlen(other), size, inode, offset};
  all[0] = (struct iovec){&head, sizeof head};
  all[1] = (struct iovec){(void *)path, head.path_bytes};
  all[2] = (struct iovec){(void *)other, head.other_bytes};
  for (; size; data++) {
    if (parts == 16) abort();
    all[parts] = *data;
    if (data->iov_len > size) all[parts].iov_len = size;
    size -= all[parts++].iov_len;
  }
  if (syscall(SYS_writev, journal, all, parts) < 0) abort();
  errno = error;
}

static void note(char kind, uint64_t inode, int64_t offset, const char *path, const char *other) {
  note_data(kind, inode, offset, path, other, NULL, 0);
}

static uint64_t inode_of(int file) {
  struct stat found;
  return fstat(file, &found) ? 0 : found.st_ino;
}

DECLARED(openat);
static int opened(int folder, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  struct stat before;
  if (!is_below(folder, name, path)) return REAL(openat)(folder, name, flags, mode);
  int is_change = flags & (O_CREAT | O_TRUNC);
  int fault = strike(OPEN, path);
  if (fault > 0) return errno = fault, -1;
  pthread_mutex_lock(&lock);
  int is_new = is_change && stat(path, &before);
  int file = REAL(openat)(folder, name, flags, mode);
  if (file >= 0 && file < DESCRIPTORS) {
    watched[file] = 1;
    if (is_new) note('C', inode_of(file), 0, path, "");
    else if (flags & O_TRUNC) note('T', inode_of(file), 0, path, "");
  }
  pthread_mutex_unlock(&lock);
  finish(fault);
  return file;
}

#define MODE                                             \
  mode_t mode = 0;                                       \
  if (flags & (O_CREAT | __O_TMPFILE)) {                 \
    va_list rest;                                        \
    va_start(rest, flags);                               \
    mode = va_arg(rest, mode_t);                         \
    va_end(rest);                                        \
  }

int open(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) {
  MODE return opened(folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
  MODE return opened(folder, name, flags, mode);
}

DECLARED(close);
int close(int file) {
  if (file >= 0 && file < DESCRIPTORS) watched[file] = 0;
  return REAL(close)(file);
}

/* Write at an offset, or (-1) where the descriptor is. */
static ssize_t written(int file, const struct iovec *data, int parts, off_t offset) {
  char path[PATH_MAX];
  if (!path_of(file, path))
    return offset < 0 ? syscall(SYS_writev, file, data, parts)
                      : syscall(SYS_pwritev, file, data, parts, offset, 0);
  int fault = strike(WRITE, path);
  if (fault > 0) return errno = fault, -1;
  struct iovec half = {data[0].iov_base, (data[0].iov_len + 1) / 2};
  if (fault == SHORT || fault == SHORT_KILL) data = &half, parts = 1;
  pthread_mutex_lock(&lock);
  ssize_t size = offset < 0 ? syscall(SYS_writev, file, data, parts)
                            : syscall(SYS_pwritev, file, data, parts, offset, 0);
  if (size > 0) {
    off_t at = offset < 0 ? lseek(file, 0, SEEK_CUR) - size : offset;
    note_data('W', inode_of(file), at, path, "", data, size);
  }
  pthread_mutex_unlock(&lock);
  finish(fault);
  return size;
}

ssize_t write(int file, const void *data, size_t size) {
  if (file < 0 || file >= DESCRIPTORS || !watched[file]) return syscall(SYS_write, file, data, size);
  return written(file, &(struct iovec){(void *)data, size}, 1, -1);
}
ssize_t writev(int file, const struct iovec *data, int parts) {
  return written(file, data, parts, -1);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
  return written(file, &(struct iovec){(void *)data, size}, 1, offset);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
  return pwrite(file, data, size, offset);
}

/* The journal's length when a sync begins tells which writes it makes durable. */
static int synced(int file, long number) {
  char path[PATH_MAX];
  if (!path_of(file, path)) return syscall(number, file);
  int fault = strike(SYNC, path);
  if (fault == LIE) return 0;
  int64_t begin = journal < 0 ? 0 : lseek(journal, 0, SEEK_END);
  int result = fault > 0 ? -1 : (int)syscall(number, file);
  if (fault > 0) errno = fault;
  pthread_mutex_lock(&lock);
  note(result ? 'F' : 'S', inode_of(file), begin, path, "");
  pthread_mutex_unlock(&lock);
  finish(fault);
  return result;
}
int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int ftruncate(int file, off_t size) {
  char path[PATH_MAX];
  if (!path_of(file, path)) return syscall(SYS_ftruncate, file, size);
  int fault = strike(TRUNCATE, path);
  if (fault > 0) return errno = fault, -1;
  pthread_mutex_lock(&lock);
  int result = syscall(SYS_ftruncate, file, size);
  if (!result) note('T', inode_of(file), size, path, "");
  pthread_mutex_unlock(&lock);
  finish(fault);
  return result;
}
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

/* A change of names: rename, link, unlink, mkdir, rmdir. */
static int named(char kind, const char *path, const char *other, long number, long a, long b,
                 long c, long d, long e) {
  int fault = strike(NAME, *other ? other : path);
  if (fault > 0) return errno = fault, -1;
  pthread_mutex_lock(&lock);
  int result = syscall(number, a, b, c, d, e);
  if (!result) note(kind, 0, 0, path, other);
  pthread_mutex_unlock(&lock);
  finish(fault);
  return result;
}

#define FROM_TO(kind, number, flags)                                                   \
  char path[PATH_MAX], other[PATH_MAX];                                                \
  if (!is_below(folder, from, path) | !is_below(folder_to, to, other))                 \
    return syscall(number, folder, from, folder_to, to, flags);                        \
  return named(kind, path, other, number, folder, (long)from, folder_to, (long)to, flags)

int renameat(int folder, const char *from, int folder_to, const char *to) {
  FROM_TO('R', SYS_renameat2, 0);
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int folder, const char *from, int folder_to, const char *to, int flags) {
  FROM_TO('L', SYS_linkat, flags);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char *name, int flags) {
  char path[PATH_MAX];
  if (!is_below(folder, name, path)) return syscall(SYS_unlinkat, folder, name, flags);
  return named('U', path, "", SYS_unlinkat, folder, (long)name, flags, 0, 0);
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int mkdirat(int folder, const char *name, mode_t mode) {
  char path[PATH_MAX];
  if (!is_below(folder, name, path)) return syscall(SYS_mkdirat, folder, name, mode);
  return named('M', path, "", SYS_mkdirat, folder, (long)name, mode, 0, 0);
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

DECLARED(clock_gettime);
int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  if (!result && control && control->clock_offset_ns && clock == CLOCK_REALTIME) {
    int64_t at = now->tv_sec * 1000000000LL + now->tv_nsec + control->clock_offset_ns;
    now->tv_sec = at / 1000000000LL, now->tv_nsec = at % 1000000000LL;
  }
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec at;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &at);
  *now = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
  return 0;
}
time_t time(time_t *now) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  return now ? *now = at.tv_sec : at.tv_sec;
}
