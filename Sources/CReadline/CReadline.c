#define _GNU_SOURCE
#include "CReadline.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
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

static void handle(int signal_number, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal_number, &action, NULL);
}

// What is done at a signal now: one that whoever started the program ignores stays ignored.
static void (*handler_of(int signal_number))(int) {
    struct sigaction action;
    return sigaction(signal_number, NULL, &action) == 0 ? action.sa_handler : SIG_IGN;
}

void vz_interrupts_begin(vz_interrupt_function interrupt) {
    on_interrupt = interrupt;
    handle(SIGINT, handle_interrupt);
    // Ctrl-\ ends the process, and no debugger of the runtime asks for a key then.
    if (handler_of(SIGQUIT) != SIG_IGN) signal(SIGQUIT, SIG_DFL);
}

// A file may not grow beyond the limit of its user (ulimit -f): writing shall fail, not end the process.
// A handler, not SIG_IGN: programs started from here begin with the default again.
static void outlive(int signal_number) { (void)signal_number; }

__attribute__((constructor)) static void outlive_file_limit(void) {
    if (handler_of(SIGXFSZ) == SIG_DFL) handle(SIGXFSZ, outlive);
}

void vz_interrupts_deadly(int value) { deadly = value; }
void vz_interrupts_ignore(int value) { ignored = value; }

// --- a terminal that hangs up -----------------------------------------------------------------

static volatile sig_atomic_t hung_up;

static void handle_hangup(int signal_number) {
    int saved = errno;
    (void)signal_number;
    hung_up = 1;
    if (on_interrupt) on_interrupt();
    errno = saved;
}

void vz_hangup_begin(void) {
    // Under nohup the work goes on.
    if (handler_of(SIGHUP) != SIG_IGN) handle(SIGHUP, handle_hangup);
}

int vz_hung_up(void) { return hung_up; }

// --- reading a line ---------------------------------------------------------------------------

static volatile sig_atomic_t continued;
// The terminal before the line was begun.
static struct termios modes;
static int has_modes;

static void handle_continue(int signal_number) {
    (void)signal_number;
    continued = 1;
}

// After Ctrl-Z and `fg` the terminal is as the other program left it, and the prompt stands far above.
static int come_back(void) {
    // In the background the terminal is not ours to set.
    if (!continued || !vz_is_in_front()) return 0;
    continued = 0;
    rl_deprep_terminal();
    // What Readline takes back was another program's where it looked while that had the terminal.
    if (has_modes) tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    rl_prep_terminal(1);
    rl_on_new_line();
    rl_forced_update_display();
    return 1;
}

// A paste from elsewhere may end its lines in CR LF, and Readline makes a line end of each of the two.
// True where `byte` is the second of them.
static const char paste_mark[] = "\033[20";
static int mark_length, is_paste_end, is_pasting, was_return;

static int repeats_line_end(unsigned char byte) {
    if (mark_length == 5 && byte == '~') is_pasting = !is_paste_end;
    if (mark_length == 4 && (byte == '0' || byte == '1')) {
        is_paste_end = byte == '1';
        mark_length = 5;
    } else if (mark_length < 4 && byte == (unsigned char)paste_mark[mark_length]) {
        mark_length++;
    } else {
        mark_length = byte == (unsigned char)paste_mark[0];
    }
    int repeats = is_pasting && was_return && byte == '\n';
    was_return = byte == '\r';
    return repeats;
}

// The next prompt stands below the whole block, wherever in it the cursor was.
static int give_up(void) {
    if (memchr(rl_line_buffer, '\n', (size_t)rl_end) && !RL_ISSTATE(RL_STATE_ISEARCH)) {
        rl_point = rl_end;
        rl_redisplay();
    }
    return READERR;
}

// Readline's own rl_getc goes on reading after Ctrl-C. This one gives up with READERR, which ends
// readline() from any of its states and restores the terminal on the way.
static int read_key(FILE *stream) {
    int file = fileno(stream);
    for (;;) {
        if (interrupted) return give_up();
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(file, &readable);
        // A signal that arrives just before select, or at another thread, is seen a little later.
        struct timeval patience = {0, 250000};
        int ready = select(file + 1, &readable, NULL, NULL, &patience);
        // Readline catches the signal itself and hands it on here. What was typed behind Ctrl-C belongs to
        // the next line.
        int problem = errno;
        rl_check_signals();
        if (interrupted) return give_up();
        if (hung_up) return EOF;
        if (come_back()) continue;
        if (ready > 0) {
            unsigned char byte;
            ssize_t n = read(file, &byte, 1);
            if (n == 1 && !repeats_line_end(byte)) return byte;
            // A terminal that is gone gives errors without end.
            if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return EOF;
        }
        if (ready < 0 && problem != EINTR) return READERR;
    }
}

// In the background Readline would take the modes of another program for those of the terminal. To ask
// for input there stops the process until `fg`, or never where nobody could continue it.
static void wait_for_front(void) {
    for (int i = 0; i < 8 && tcgetpgrp(STDIN_FILENO) >= 0 && !vz_is_in_front(); i++) raise(SIGTTIN);
}

char *vz_read_line(const char *prompt, vz_line_status *status) {
    interrupted = 0;
    mark_length = is_pasting = was_return = 0;
    rl_getc_function = read_key;
    wait_for_front();
    continued = 0;
    vz_echo(1);
    has_modes = tcgetattr(STDIN_FILENO, &modes) == 0;
    // Ctrl-\ at the prompt must not lose the session.
    struct sigaction quit;
    sigaction(SIGQUIT, NULL, &quit);
    signal(SIGQUIT, SIG_IGN);
    char *line = readline(prompt);
    sigaction(SIGQUIT, &quit, NULL);
    // Where it read no line Readline goes to the next one only if it takes back bracketed paste, which
    // it does not at a pipe.
    if (!line) {
        const char *pastes = rl_variable_value("enable-bracketed-paste");
        FILE *out = rl_outstream ? rl_outstream : stdout;
        if (!pastes || strcmp(pastes, "on") != 0 || !isatty(STDIN_FILENO)) putc('\n', out);
        fflush(out);
    }
    if (interrupted) {
        interrupted = 0;
        free(line);
        *status = VZ_INTERRUPTED;
        return NULL;
    }
    *status = line ? VZ_LINE : VZ_END;
    return line;
}

// --- blocks of several lines ------------------------------------------------------------------

// Characters between two places of the line.
static int characters(int from, int to) {
    int n = 0;
    for (int i = from; i < to; i++) n += ((unsigned char)rl_line_buffer[i] & 0xC0) != 0x80;
    return n;
}

// Where the line of the block that holds `point` begins, and where it ends.
static int line_start(int point) {
    while (point > 0 && rl_line_buffer[point - 1] != '\n') point--;
    return point;
}

static int line_end(int point) {
    while (point < rl_end && rl_line_buffer[point] != '\n') point++;
    return point;
}

// The place `column` characters behind `start`, in its line.
static int place_in_line(int start, int column) {
    int end = line_end(start);
    int point = start;
    while (point < end && column > 0) {
        point++;
        while (point < end && ((unsigned char)rl_line_buffer[point] & 0xC0) == 0x80) point++;
        column--;
    }
    return point;
}

// The arrows go through the lines of a block, and from its first and last line into the history. An
// entry that comes from above stands with the cursor in its first line, so that the next key goes on.
static int up_line_or_history(int count, int key) {
    int start = line_start(rl_point);
    if (start > 0) {
        rl_point = place_in_line(line_start(start - 1), characters(start, rl_point));
        return 0;
    }
    int result = rl_get_previous_history(count, key);
    if (memchr(rl_line_buffer, '\n', (size_t)rl_end)) rl_point = line_end(0);
    return result;
}

static int down_line_or_history(int count, int key) {
    int end = line_end(rl_point);
    if (end < rl_end) {
        rl_point = place_in_line(end + 1, characters(line_start(rl_point), rl_point));
        return 0;
    }
    return rl_get_next_history(count, key);
}

// Both ends of the line, and from there of the block.
static int begin_of_line(int count, int key) {
    (void)count;
    (void)key;
    int start = line_start(rl_point);
    rl_point = rl_point == start ? 0 : start;
    return 0;
}

static int end_of_line(int count, int key) {
    (void)count;
    (void)key;
    int end = line_end(rl_point);
    rl_point = rl_point == end ? rl_end : end;
    return 0;
}

// Readline leaves remains of the search's prompt in the first line of a block that was found.
static int search(int result) {
    if (memchr(rl_line_buffer, '\n', (size_t)rl_end) && !rl_done) {
        rl_clear_visible_line();
        rl_forced_update_display();
    }
    return result;
}

static int search_back(int count, int key) { return search(rl_reverse_search_history(count, key)); }
static int search_forward(int count, int key) { return search(rl_forward_search_history(count, key)); }

// Before ~/.inputrc is read, which has the last word.
static void bind_keys(void) {
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_add_defun("up-line-or-history", up_line_or_history, -1);
    rl_add_defun("down-line-or-history", down_line_or_history, -1);
    static const struct {
        const char *keys;
        rl_command_func_t *function;
    } moves[] = {
        {"\\e[A", up_line_or_history}, {"\\eOA", up_line_or_history},
        {"\\e[B", down_line_or_history}, {"\\eOB", down_line_or_history},
        {"\\e[H", begin_of_line}, {"\\eOH", begin_of_line}, {"\\e[1~", begin_of_line},
        {"\\e[F", end_of_line}, {"\\eOF", end_of_line}, {"\\e[4~", end_of_line},
    };
    rl_bind_key_in_map(CTRL('A'), begin_of_line, emacs_standard_keymap);
    rl_bind_key_in_map(CTRL('E'), end_of_line, emacs_standard_keymap);
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        for (size_t k = 0; k < sizeof moves / sizeof *moves; k++)
            rl_bind_keyseq_in_map(moves[k].keys, moves[k].function, maps[i]);
        rl_bind_key_in_map(CTRL('R'), search_back, maps[i]);
        rl_bind_key_in_map(CTRL('S'), search_forward, maps[i]);
    }
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

// `text`, or its first `length` bytes, behind `before` bytes of the line.
static char *behind(int start, int before, const char *text, int length) {
    char *whole = NULL;
    int n = length < 0 ? (int)strlen(text) : length;
    if (asprintf(&whole, "%.*s%.*s", before, rl_line_buffer + start, n, text) < 0) return NULL;
    return whole;
}

static char **attempted_completion(const char *word, int start, int end) {
    (void)word;
    (void)end;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = 0;
    rl_completion_suppress_append = 1;
    if (candidate_count == 0 || start > completion_start) return NULL;
    char **matches = calloc((size_t)candidate_count + 2, sizeof *matches);
    if (!matches) return NULL;
    // Where the character before the word stands in it too Readline begins further to the left.
    int before = completion_start - start;
    if (candidate_count == 1) {
        matches[0] = behind(start, before, only_form ? only_form : candidates[0], -1);
        return matches;
    }
    size_t common = strlen(candidates[0]);
    for (int i = 0; i < candidate_count; i++) {
        size_t n = 0;
        while (n < common && candidates[0][n] == candidates[i][n]) n++;
        common = n;
        matches[i + 1] = behind(start, before, candidates[i], -1);
    }
    // Never half a character.
    while (common > 0 && ((unsigned char)candidates[0][common] & 0xC0) == 0x80) common--;
    matches[0] = behind(start, before, candidates[0], (int)common);
    return matches;
}

static void show_matches(char **matches, int count, int longest) {
    (void)matches;
    (void)count;
    (void)longest;
    if (list_function) list_function((const char *const *)candidates, candidate_count);
}

void vz_readline_begin(const char *program, vz_complete_function complete, vz_list_function list) {
    complete_function = complete;
    list_function = list;
    rl_readline_name = program;
    rl_attempted_completion_function = attempted_completion;
    rl_completion_word_break_hook = word_breaks;
    rl_completer_quote_characters = "";
    // Candidates bring their closing quote.
    rl_basic_quote_characters = "";
    rl_completer_word_break_characters = (char *)" ";
    rl_filename_quote_characters = "";
    rl_sort_completion_matches = 0;
    rl_ignore_completion_duplicates = 0;
    rl_completion_display_matches_hook = show_matches;
    rl_catch_signals = 1;
    rl_catch_sigwinch = 1;
    rl_change_environment = 0;
    handle(SIGCONT, handle_continue);
    bind_keys();
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

static _Atomic int out_problem;

static void keep_problem(void) {
    int none = 0;
    atomic_compare_exchange_strong(&out_problem, &none, errno ? errno : EIO);
}

void vz_write_out(const void *bytes, size_t count) {
    if (count && fwrite(bytes, 1, count, stdout) != count) keep_problem();
}

void vz_flush_out(void) {
    if (fflush(stdout) != 0) keep_problem();
}

int vz_out_problem(void) { return out_problem; }

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
