import Testing

import Shell
