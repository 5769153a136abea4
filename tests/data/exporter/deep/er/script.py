import near
from deep.er import near as again
