// A door to GNU Readline. Its global variables and its signal handling stay behind these functions,
// so that Swift sees calls and values only. One thread at a time, as Readline itself.
#pragma once
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- reading a line ---------------------------------------------------------------------------

typedef enum { VZ_LINE, VZ_END, VZ_INTERRUPTED } vz_line_status;

// Reads one line (which holds newlines where a block was recalled or pasted). The text is the
// caller's to free(), NULL at the end of input or where Ctrl-C was pressed.
char *vz_read_line(const char *prompt, vz_line_status *status);

// Where completion starts and what fits. `line` is the whole input, `point` the cursor as a byte
// offset. Call vz_completion_start once, then vz_completion_add for each.
typedef void (*vz_complete_function)(const char *line, int point);
void vz_completion_start(int start_byte);
// `text` replaces the word; `alone` is what it becomes where nothing else fits (with its bracket,
// its slash, its closing quote).
void vz_completion_add(const char *text, const char *alone);

// Shows the list where several fit. `longest` is the longest in bytes.
typedef void (*vz_list_function)(const char *const *texts, int count);

// Names the program for ~/.inputrc and sets the callbacks.
void vz_readline_begin(const char *program, vz_complete_function complete, vz_list_function list);

// For the list function: the line is drawn again below what was printed.
void vz_redraw_below(void);
// Columns and rows of the terminal as Readline knows them.
void vz_terminal_size(int *rows, int *columns);

// --- writing ----------------------------------------------------------------------------------

// Standard output through stdio's buffer, which exit() empties.
void vz_write_out(const void *bytes, size_t count);
void vz_flush_out(void);
// The errno of the first write of these two that failed; 0 where all got through.
int vz_out_problem(void);
// Columns of a character on a terminal; 0 for those that take none.
int vz_columns_of(unsigned int character);

// --- history ----------------------------------------------------------------------------------

void vz_history_add(const char *entry);
void vz_history_limit(int entries);
int vz_history_count(void);
// NULL beyond the end; the text stays Readline's.
const char *vz_history_at(int index);
void vz_history_clear(void);

// --- Ctrl-C -----------------------------------------------------------------------------------

typedef void (*vz_interrupt_function)(void);

// Installs the handler of SIGINT. It calls `interrupt`, which must be async-signal-safe. A second
// signal within two seconds, where `deadly` was set, ends the process with status 130.
void vz_interrupts_begin(vz_interrupt_function interrupt);
void vz_interrupts_deadly(int deadly);
// Ctrl-C reaches the terminal's foreground group: the shell ignores it while a child has it.
void vz_interrupts_ignore(int ignore);

// --- a terminal that hangs up -----------------------------------------------------------------

// From here on a hangup (SIGHUP) asks for a stop as Ctrl-C does, and the prompt reads the end of
// input: what is to be written at the end is written. Where the signal is ignored it stays so.
void vz_hangup_begin(void);
int vz_hung_up(void);

// --- echo -------------------------------------------------------------------------------------

// Whether the terminal shows what is typed; gives how it was before. Reading a line switches it on, and
// so does whatever ends or stops the process.
int vz_echo(int on);
int vz_is_quiet(void);
// True where the terminal is this process' to set: it is not in the background.
int vz_is_in_front(void);

// --- a pseudo-terminal, for tests ------------------------------------------------------------

// Starts `path` with `arguments` and `environment` (both NULL-terminated) on a new pseudo-terminal
// of that size. Gives the process, and its terminal in *master; -1 where it cannot.
pid_t vz_spawn_on_terminal(
    const char *path, char *const *arguments, char *const *environment, const char *folder, int rows,
    int columns, int *master);
int vz_resize_terminal(int master, int rows, int columns);

#ifdef __cplusplus
}
#endif
