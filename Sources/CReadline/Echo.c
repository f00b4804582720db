#define _GNU_SOURCE
#include "CReadline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// While something runs the terminal does not show what is typed: that would stand in the middle of a
// progress line, and the prompt shows it anyway. Only the echo is off, so that lines, Ctrl-C and
// Ctrl-Z work as ever. Whatever ends or stops the process meanwhile puts the echo back first.
static struct termios loud;
static volatile sig_atomic_t is_quiet;
// Of a hangup there is no terminal left to look after.
static const int endings[] = {SIGTERM, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,    SIGILL,  SIGTRAP, SIGXCPU,
                              SIGUSR1, SIGUSR2, SIGALRM, SIGSYS,  SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSTKFLT};
enum { ENDINGS = sizeof endings / sizeof *endings };
static struct sigaction before_ending[ENDINGS], before_stop;

int vz_is_in_front(void) { return tcgetpgrp(STDIN_FILENO) == getpgrp(); }

static void set_echo(int on) {
    struct termios wanted = loud;
    if (!on) wanted.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSANOW, &wanted);
}

static void handle_ending(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    for (int i = 0; i < ENDINGS; i++) {
        if (endings[i] != signal_number) continue;
        if (is_quiet && vz_is_in_front()) set_echo(1);
        is_quiet = 0;
        sigaction(signal_number, &before_ending[i], NULL);
        // A fault comes again by itself, from where it was; all else is sent again.
        int is_fault = signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGFPE ||
                       signal_number == SIGILL;
        if (!is_fault || info->si_code <= 0) raise(signal_number);
    }
    errno = saved;
}

static void handle_stop(int signal_number) {
    int saved = errno;
    int was_quiet = is_quiet;
    if (was_quiet && vz_is_in_front()) set_echo(1);
    struct sigaction mine;
    sigaction(signal_number, &before_stop, &mine);
    sigset_t stop, old;
    sigemptyset(&stop);
    sigaddset(&stop, signal_number);
    raise(signal_number);
    // The process stops here, and goes on here.
    pthread_sigmask(SIG_UNBLOCK, &stop, &old);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(signal_number, &mine, NULL);
    if (was_quiet) {
        if (vz_is_in_front())
            set_echo(0);
        else
            is_quiet = 0;
    }
    errno = saved;
}

int vz_is_quiet(void) { return is_quiet; }

static void put_back_echo(void) { vz_echo(1); }

// The handlers are there only while the echo is off, or was when Ctrl-Z stopped the process.
static int is_armed;

static void disarm(void) {
    if (!is_armed) return;
    is_armed = 0;
    for (int i = 0; i < ENDINGS; i++) sigaction(endings[i], &before_ending[i], NULL);
    sigaction(SIGTSTP, &before_stop, NULL);
}

static void arm(void) {
    static int is_known;
    if (!is_known) atexit(put_back_echo);
    is_known = 1;
    if (is_armed) return;
    is_armed = 1;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = handle_ending;
    action.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
    for (int i = 0; i < ENDINGS; i++) {
        sigaction(endings[i], NULL, &before_ending[i]);
        if (before_ending[i].sa_handler != SIG_IGN) sigaction(endings[i], &action, NULL);
    }
    action.sa_handler = handle_stop;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTSTP, NULL, &before_stop);
    if (before_stop.sa_handler == SIG_DFL) sigaction(SIGTSTP, &action, NULL);
}

int vz_echo(int on) {
    int was_on = !is_quiet;
    if (on) {
        if (!was_on && vz_is_in_front()) set_echo(1);
        is_quiet = 0;
        disarm();
    } else if (was_on && vz_is_in_front() && tcgetattr(STDIN_FILENO, &loud) == 0 && loud.c_lflag & ECHO) {
        arm();
        is_quiet = 1;
        set_echo(0);
    }
    return was_on;
}
