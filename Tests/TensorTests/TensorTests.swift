import Testing

import Tensor
