import Testing

import Network
