#define _GNU_SOURCE
#include "CReadline.h"

#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <readline/history.h>
#include <readline/readline.h>

// --- Ctrl-C -----------------------------------------------------------------------------------

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t deadly;
static volatile sig_atomic_t ignored;
static vz_interrupt_function on_interrupt;
static struct timespec last_interrupt;

static void handle_interrupt(int signal_number) {
    int saved = errno;
    (void)signal_number;
    if (!ignored) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (deadly && interrupted && now.tv_sec - last_interrupt.tv_sec <= 2) _exit(130);
        last_interrupt = now;
        interrupted = 1;
        if (on_interrupt) on_interrupt();
    }
    errno = saved;
}

void vz_interrupts_begin(vz_interrupt_function interrupt) {
    on_interrupt = interrupt;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handle_interrupt;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
}

void vz_interrupts_deadly(int value) { deadly = value; }
void vz_interrupts_ignore(int value) { ignored = value; }

// --- reading a line ---------------------------------------------------------------------------

// Readline's own rl_getc goes on reading after Ctrl-C. This one gives up with READERR, which ends
// readline() from any of its states and restores the terminal on the way.
static int read_key(FILE *stream) {
    int file = fileno(stream);
    for (;;) {
        if (interrupted) return READERR;
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(file, &readable);
        // A signal that arrives just before select, or at another thread, is seen a little later.
        struct timeval patience = {0, 250000};
        int ready = select(file + 1, &readable, NULL, NULL, &patience);
        if (ready > 0) {
            unsigned char byte;
            ssize_t n = read(file, &byte, 1);
            if (n == 1) return byte;
            if (n == 0) return EOF;
        }
        if (ready < 0 && errno != EINTR) return READERR;
        rl_check_signals();
    }
}

char *vz_read_line(const char *prompt, vz_line_status *status) {
    interrupted = 0;
    rl_getc_function = read_key;
    char *line = readline(prompt);
    if (interrupted) {
        interrupted = 0;
        free(line);
        *status = VZ_INTERRUPTED;
        return NULL;
    }
    *status = line ? VZ_LINE : VZ_END;
    return line;
}

// --- completion -------------------------------------------------------------------------------

static vz_complete_function complete_function;
static vz_list_function list_function;
static int completion_start;
static char **candidates;
static char *only_form;
static int candidate_count, candidate_room;

static void forget_candidates(void) {
    for (int i = 0; i < candidate_count; i++) free(candidates[i]);
    candidate_count = 0;
    free(only_form);
    only_form = NULL;
}

void vz_completion_start(int start_byte) { completion_start = start_byte; }

void vz_completion_add(const char *text, const char *alone) {
    if (candidate_count + 1 >= candidate_room) {
        int room = candidate_room ? 2 * candidate_room : 64;
        char **larger = realloc(candidates, (size_t)room * sizeof *larger);
        if (!larger) return;
        candidates = larger;
        candidate_room = room;
    }
    char *copy = strdup(text);
    if (!copy) return;
    if (candidate_count == 0) only_form = strdup(alone);
    candidates[candidate_count++] = copy;
}

// Readline asks which characters end the word before the cursor. The words are worked out here, and
// the answer is a set that makes Readline find the same start.
static char *word_breaks(void) {
    static char breaks[130];
    forget_candidates();
    completion_start = rl_point;
    if (complete_function) complete_function(rl_line_buffer, rl_point);
    int start = completion_start;
    if (start < 0 || start > rl_point) start = rl_point;
    char *next = breaks;
    for (int c = 1; c < 128; c++) {
        int inside = 0;
        for (int i = start; i < rl_point && !inside; i++) inside = rl_line_buffer[i] == c;
        if (!inside) *next++ = (char)c;
    }
    *next = 0;
    return breaks;
}

static char **attempted_completion(const char *word, int start, int end) {
    (void)word;
    (void)end;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = 0;
    rl_completion_suppress_append = 1;
    if (candidate_count == 0 || start != completion_start) return NULL;
    char **matches = calloc((size_t)candidate_count + 2, sizeof *matches);
    if (!matches) return NULL;
    if (candidate_count == 1) {
        matches[0] = only_form ? strdup(only_form) : strdup(candidates[0]);
        return matches;
    }
    size_t common = strlen(candidates[0]);
    for (int i = 0; i < candidate_count; i++) {
        size_t n = 0;
        while (n < common && candidates[0][n] == candidates[i][n]) n++;
        common = n;
        matches[i + 1] = strdup(candidates[i]);
    }
    // Never half a character.
    while (common > 0 && ((unsigned char)candidates[0][common] & 0xC0) == 0x80) common--;
    matches[0] = strndup(candidates[0], common);
    return matches;
}

static void show_matches(char **matches, int count, int longest) {
    (void)longest;
    if (list_function) list_function((const char *const *)(matches + 1), count);
}

void vz_readline_begin(const char *program, vz_complete_function complete, vz_list_function list) {
    complete_function = complete;
    list_function = list;
    rl_readline_name = program;
    rl_attempted_completion_function = attempted_completion;
    rl_completion_word_break_hook = word_breaks;
    rl_completer_quote_characters = "";
    rl_completer_word_break_characters = (char *)" ";
    rl_filename_quote_characters = "";
    rl_sort_completion_matches = 0;
    rl_ignore_completion_duplicates = 0;
    rl_completion_display_matches_hook = show_matches;
    rl_catch_signals = 1;
    rl_catch_sigwinch = 1;
    rl_change_environment = 0;
    using_history();
}

void vz_redraw_below(void) {
    rl_on_new_line();
    rl_forced_update_display();
}

void vz_terminal_size(int *rows, int *columns) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        *rows = size.ws_row;
        *columns = size.ws_col;
    } else if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        *rows = size.ws_row;
        *columns = size.ws_col;
    }
}

// --- writing ----------------------------------------------------------------------------------

void vz_write_out(const void *bytes, size_t count) { fwrite(bytes, 1, count, stdout); }
void vz_flush_out(void) { fflush(stdout); }

int vz_columns_of(unsigned int character) {
    int columns = wcwidth((wchar_t)character);
    return columns < 0 ? 0 : columns;
}

// --- history ----------------------------------------------------------------------------------

void vz_history_add(const char *entry) { add_history(entry); }
void vz_history_limit(int entries) { stifle_history(entries); }
int vz_history_count(void) { return history_length; }

const char *vz_history_at(int index) {
    HIST_ENTRY *entry = history_get(history_base + index);
    return entry ? entry->line : NULL;
}

void vz_history_clear(void) { clear_history(); }

// --- a pseudo-terminal, for tests ------------------------------------------------------------

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
