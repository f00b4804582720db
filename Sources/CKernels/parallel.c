#include "parallel.h"
#include <stdint.h>

// The OpenMP runtime's own entry points: clang's -fopenmp would bring a second runtime.
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);

typedef struct {
    size_t parts;
    void (*body)(void *, size_t);
    void *context;
} job;

static void work(void *data) {
    const job *j = data;
    size_t id = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    size_t first = j->parts * id / threads, last = j->parts * (id + 1) / threads;
    for (size_t part = first; part < last; part++) j->body(j->context, part);
}

void vz_parallel(size_t parts, void (*body)(void *, size_t), void *context) {
    int threads = omp_get_max_threads();
    if (parts <= 1 || threads <= 1) {
        for (size_t part = 0; part < parts; part++) body(context, part);
        return;
    }
    job j = {parts, body, context};
    GOMP_parallel(work, &j, parts < (size_t)threads ? (unsigned)parts : (unsigned)threads, 0);
}

void vz_set_threads(int n) { omp_set_num_threads(n < 1 ? 1 : n); }
int vz_threads(void) { return omp_get_max_threads(); }
