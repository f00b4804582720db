#include "CGnuplot.h"

// gnuplot-iostream uses `assert` without its header.
#include <cassert>
#include <gnuplot-iostream.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/// Keeps SIGPIPE from this thread for one scope. A write to a pipe without a reader raises the signal
/// for the writing thread alone, so one that became pending here is ours to take off again; the
/// process's own handling of SIGPIPE is left as it is.
class SigpipeGuard {
public:
    SigpipeGuard() {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        wasPending = sigismember(&pending, SIGPIPE) == 1;
        sigemptyset(&pipeOnly);
        sigaddset(&pipeOnly, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipeOnly, &before);
    }

    ~SigpipeGuard() {
        if (!wasPending) {
            const struct timespec now = {0, 0};
            while (sigtimedwait(&pipeOnly, nullptr, &now) == -1 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    SigpipeGuard(const SigpipeGuard &) = delete;
    SigpipeGuard &operator=(const SigpipeGuard &) = delete;

private:
    sigset_t pipeOnly;
    sigset_t before;
    bool wasPending;
};

/// The errno that boost's sink threw, or EPIPE where it gave none.
int code(const std::system_error &error) {
    return error.code().value() != 0 ? error.code().value() : EPIPE;
}

}  // namespace

struct vz_gnuplot {
    explicit vz_gnuplot(FILE *file) : stream(file) {
        // Failures arrive as exceptions with their errno, not as a silent bad bit.
        stream.exceptions(std::ios::badbit | std::ios::failbit);
    }
    Gnuplot stream;
};

vz_gnuplot *vz_gnuplot_open(int fd, int *error) {
    FILE *file = fdopen(fd, "w");
    if (!file) {
        *error = errno;
        return nullptr;
    }
    try {
        return new vz_gnuplot(file);
    } catch (...) {
        // Only memory can be short here, before anything owns the file.
        *error = ENOMEM;
        return nullptr;
    }
}

int vz_gnuplot_write(vz_gnuplot *handle, const void *bytes, size_t count) {
    SigpipeGuard guard;
    try {
        handle->stream.write(static_cast<const char *>(bytes), static_cast<std::streamsize>(count));
        handle->stream.flush();
        return 0;
    } catch (const std::system_error &error) {
        return code(error);
    } catch (...) {
        return EPIPE;
    }
}

void vz_gnuplot_close(vz_gnuplot *handle) {
    if (!handle) return;
    SigpipeGuard guard;
    try {
        // Closed and marked bad first: after a broken pipe the stream still holds bytes, and its own
        // destructor would write them to the descriptor's number after the descriptor was given back.
        handle->stream.exceptions(std::ios::goodbit);
        handle->stream.close();
        handle->stream.setstate(std::ios::badbit);
        delete handle;
    } catch (...) {
    }
}

int vz_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int vz_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    return 0;
}
