// Vector kernels in C, for whatever no library does. No logic of ours beyond the loops.
//
// Feature maps are laid out as [batch][blocks][places][block]: `block` channels lie together, so
// channels-last is one block of all channels and channels-first is blocks of one channel.
#pragma once
#include "convolution1d.h"
#include "elementwise.h"
#include "featuremap.h"
#include "gather.h"
#include "matmul.h"
#include "parallel.h"
#include "random.h"
#include "reduce.h"
#include "resample.h"
#include "toomcook.h"
