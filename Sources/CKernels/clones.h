// One copy of a hot loop for each instruction set; the loader takes the best that the machine has.
#pragma once
#if defined(__x86_64__)
#define VZ_CLONES __attribute__((target_clones("default", "avx2", "avx512bw")))
#else
#define VZ_CLONES
#endif
