#include "parallel.h"
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// MARK: Numbers below the smallest normal one

// Flush to zero and denormals are zero, in results and in operands.
#if defined(__x86_64__)
static const unsigned flush_bits = 0x8040;
static unsigned get_mode(void) { return _mm_getcsr(); }
static void set_mode(unsigned mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
static const unsigned flush_bits = 1u << 24;
static unsigned get_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return (unsigned)mode;
}
static void set_mode(unsigned mode) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode)); }
#else
static const unsigned flush_bits = 0;
static unsigned get_mode(void) { return 0; }
static void set_mode(unsigned mode) { (void)mode; }
#endif

static void flush_here(void *unused) {
    (void)unused;
    set_mode(get_mode() | flush_bits);
}

// The team of this thread flushes already, for so many threads.
static __thread int flushing_threads;

unsigned vz_flush_begin(void) {
    unsigned before = get_mode();
    set_mode(before | flush_bits);
    int threads = omp_get_max_threads();
    if (flushing_threads < threads) {
        if (threads > 1) GOMP_parallel(flush_here, NULL, (unsigned)threads, 0);
        flushing_threads = threads;
    }
    return before;
}

void vz_flush_end(unsigned before) { set_mode(before); }

void vz_set_threads(int n) { omp_set_num_threads(n < 1 ? 1 : n); }
int vz_threads(void) { return omp_get_max_threads(); }
