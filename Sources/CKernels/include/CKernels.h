// Vector kernels in C, for whatever no library does. No logic of ours beyond the loops.
#pragma once
#include "random.h"
