import Testing

import Graph
