import Testing

import Lens
