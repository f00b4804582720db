import Testing

import Builtins
