#define _GNU_SOURCE
#include "CReadline.h"

#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

// A pseudo-terminal, for tests.

pid_t vz_spawn_on_terminal(
    const char *path, char *const *arguments, char *const *environment, const char *folder, int rows,
    int columns, int *master) {
    struct winsize size = {(unsigned short)rows, (unsigned short)columns, 0, 0};
    pid_t child = forkpty(master, NULL, NULL, &size);
    if (child != 0) return child;
    if (folder && chdir(folder) != 0) _exit(127);
    // A thread of a pool may have all signals blocked, and exec keeps that.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    execve(path, arguments, environment);
    _exit(127);
}

int vz_resize_terminal(int master, int rows, int columns) {
    struct winsize size = {(unsigned short)rows, (unsigned short)columns, 0, 0};
    return ioctl(master, TIOCSWINSZ, &size);
}
