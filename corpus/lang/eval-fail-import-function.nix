import (x: x)
