#include "parallel.h"
#include <stdatomic.h>
#include <stdint.h>

// The OpenMP runtime's own entry points: clang's -fopenmp would bring a second runtime.
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);

// Who is asked whether to stop, for the thread that began the watch.
typedef struct {
    int (*asked)(void *);
    void *context;
    atomic_int left_out;
} watch;

static _Thread_local watch watching;

typedef struct {
    size_t parts;
    void (*body)(void *, size_t);
    void *context;
    watch *watch;
} job;

static void do_parts(const job *j, size_t first, size_t last) {
    watch *w = j->watch;
    for (size_t part = first; part < last; part++) {
        if (w->asked && w->asked(w->context)) {
            atomic_store_explicit(&w->left_out, 1, memory_order_relaxed);
            return;
        }
        j->body(j->context, part);
    }
}

static void work(void *data) {
    const job *j = data;
    size_t id = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    do_parts(j, j->parts * id / threads, j->parts * (id + 1) / threads);
}

void vz_parallel(size_t parts, void (*body)(void *, size_t), void *context) {
    int threads = omp_get_max_threads();
    job j = {parts, body, context, &watching};
    if (parts <= 1 || threads <= 1) return do_parts(&j, 0, parts);
    GOMP_parallel(work, &j, parts < (size_t)threads ? (unsigned)parts : (unsigned)threads, 0);
}

void vz_watch_begin(int (*asked)(void *), void *context) {
    watching.asked = asked;
    watching.context = context;
    atomic_store_explicit(&watching.left_out, 0, memory_order_relaxed);
}

int vz_watch_end(void) {
    watching.asked = 0;
    return atomic_load_explicit(&watching.left_out, memory_order_relaxed);
}

void vz_set_threads(int n) { omp_set_num_threads(n < 1 ? 1 : n); }
int vz_threads(void) { return omp_get_max_threads(); }
